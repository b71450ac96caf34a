<?php

declare(strict_types=1);

require_once __DIR__ . '/Event.php';

/** A rejected delivery. `code` is an error code of the protocol, and `where` is the place in a malformed payload. */
final class WebhookError extends Exception
{
    public function __construct(string $code, string $message, public readonly string $where = '')
    {
        parent::__construct($message);
        $this->code = $code; // a string, as in PDOException
    }
}

/** The secrets and options of a subscription. */
class Webhook
{
    /** The texts that cannot be a secret: see section 2.1 of the protocol. */
    private const NO_SECRET = '~ ^$ | ^[\s\p{Z}] | [\s\p{Z}]$ | \p{Cc}
        | [\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}\x{fff9}-\x{fffb}]
        | ^["\'`´«»‹›＂＇\x{2018}-\x{201f}] | ["\'`´«»‹›＂＇\x{2018}-\x{201f}]$
        | ^(?:undefined | null | None | nil | NaN | \[object[ ](?:Object|Promise)\])$
        | ^\$ | ^%.*%$ | ^\{\{.*\}\}$ | ^<.*>$
        | ^v1, | ^t= | ^(?:sub|evt|dlv|wsp|tok)_ | ^whsec_[.…*•]+$ ~xuDs';
    private const MAX_SIGNATURES = 16;
    protected const MAX_HEADER_BYTES = 4096;

    /** @param string[] $secrets one secret, or several during a rotation, newest first */
    public function __construct(
        #[SensitiveParameter] protected readonly array $secrets,
        private readonly int $tolerance = 300,
        public readonly ?int $maxEventAge = null,
    ) {
        foreach ($secrets ?: [''] as $secret) {
            // Not 0 is also the result for text that is not UTF-8.
            if (preg_match(self::NO_SECRET, $secret) !== 0) {
                throw new WebhookError('invalid_secret', 'the text cannot be a signing secret');
            }
        }
    }

    /** Verifies a delivery: the raw body, and the request's headers as a list of names and values. */
    public function verify(string $body, array $headers, ?int $now = null): Event
    {
        $now ??= time();
        [$timestamp, $signatures, $tags] = $this->read($headers, $body);
        $age = $now - $timestamp;
        if ($age > $this->tolerance) {
            $why = "signed too long ago: $age s ago, and the tolerance is $this->tolerance s";
            throw new WebhookError('timestamp_too_old', "the delivery was $why");
        }
        if (-$age > $this->tolerance) {
            throw new WebhookError('timestamp_in_future', 'the delivery was signed in the future');
        }
        $matches = false;
        foreach ($tags as $tag) {
            foreach ($signatures as $signature) {
                $matches = hash_equals($tag, $signature) || $matches; // in constant time, without an early end
            }
        }
        if (!$matches) {
            throw new WebhookError('signature_mismatch', 'no signature in the header matches the body');
        }
        $event = Event::parse($body);
        $age = $now - $event->seconds;
        if ($this->maxEventAge !== null && $age > $this->maxEventAge) {
            $why = "created too long ago: $age s ago, and the maximum event age is $this->maxEventAge s";
            throw new WebhookError('event_too_old', "the event was $why");
        }
        return $event;
    }

    /** Reads the header of section 2.2. Returns the timestamp, the signatures and the tags that they may equal. */
    protected function read(array $headers, string $body): array
    {
        $header = self::header($headers, 'x-clarife-signature');
        self::checkText($header);
        [$timestamps, $signatures] = [[], []];
        foreach (explode(',', $header) as $element) {
            [$key, $value] = explode('=', trim($element, " \t"), 2) + [1 => null];
            match (true) {
                $key === '' || $value === null => self::malformed('an element has no key or no value'),
                $key === 't' => $timestamps[] = self::readTimestamp($value),
                $key !== 'v1' => null, // a later scheme
                strlen($value) === 64 && ctype_xdigit($value) => $signatures[] = hex2bin($value),
                default => self::malformed('a v1 is not 64 hexadecimal digits'),
            };
        }
        if (count($timestamps) !== 1) {
            self::malformed('it does not have one t');
        }
        self::checkCount($signatures);
        $tags = array_map(fn ($secret) => hash_hmac('sha256', $body, $secret, true), $this->secrets);
        return [$timestamps[0], $signatures, $tags];
    }

    /** Returns a header's value. Several headers of one name count as one, joined by a comma. */
    protected static function header(array $headers, string $name): string
    {
        $found = array_filter($headers, fn ($header) => strcasecmp($header[0], $name) === 0);
        $value = implode(', ', array_column($found, 1));
        $isMissing = trim($value, " \t") === '';
        return $isMissing ? throw new WebhookError('missing_signature', 'the signature header is missing') : $value;
    }

    protected static function checkText(string $header): void
    {
        if (strlen($header) > self::MAX_HEADER_BYTES || preg_match('/[^\t\x20-\x7e]/', $header)) {
            self::malformed('it is too long, or has a character outside visible ASCII');
        }
    }

    protected static function checkCount(array $signatures): void
    {
        if ($signatures === [] || count($signatures) > self::MAX_SIGNATURES) {
            self::malformed('it does not have 1 to 16 signatures');
        }
    }

    protected static function readTimestamp(string $digits): int
    {
        return preg_match('/\A\d{1,12}\z/', $digits) ? (int) $digits : self::malformed('t is not 1 to 12 digits');
    }

    protected static function malformed(string $problem): never
    {
        throw new WebhookError('malformed_signature', "the signature is malformed: $problem");
    }
}
