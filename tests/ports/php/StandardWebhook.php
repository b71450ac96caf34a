<?php

declare(strict_types=1);

require_once __DIR__ . '/Webhook.php';

/** A webhook that requires the headers of Standard Webhooks: see section 5.3 of the protocol. */
final class StandardWebhook extends Webhook
{
    public function __construct(#[SensitiveParameter] array $secrets, int $tolerance = 300, ?int $maxEventAge = null)
    {
        parent::__construct($secrets, $tolerance, $maxEventAge);
        array_map(self::key(...), $secrets);
    }

    protected function read(array $headers, string $body): array
    {
        $names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
        [$id, $digits, $header] = array_map(fn ($name) => trim(self::header($headers, $name), " \t"), $names);
        if (!self::isId($id)) {
            self::malformed('webhook-id is not 1 to 4096 characters of visible ASCII');
        }
        $timestamp = self::readTimestamp($digits);
        self::checkText($header);
        $signatures = [];
        foreach (array_filter(explode(' ', $header), strlen(...)) as $element) {
            [$version, $value] = explode(',', $element, 2) + [1 => null];
            match (true) {
                $version === '' || $value === null => self::malformed('an element has no version or no comma'),
                $version !== 'v1' => null, // a later version
                strlen(self::decode($value) ?? '') === 32 => $signatures[] = self::decode($value),
                default => self::malformed('a v1 is not the base64 of 32 bytes'),
            };
        }
        self::checkCount($signatures);
        $signed = "$id.$digits.$body"; // the digits as sent: 007 is not 7
        $tags = array_map(fn ($secret) => hash_hmac('sha256', $signed, self::key($secret), true), $this->secrets);
        return [$timestamp, $signatures, $tags];
    }

    public static function isId(string $id): bool
    {
        return preg_match('/\A[\x21-\x7e]+\z/', $id) && strlen($id) <= self::MAX_HEADER_BYTES;
    }

    /** Returns the key of a secret: the decoded text after its prefix. */
    public static function key(#[SensitiveParameter] string $secret): string
    {
        $text = str_starts_with($secret, 'whsec_') ? substr($secret, 6) : $secret;
        return self::decode($text) ?: throw new WebhookError('invalid_secret', 'the secret is not base64');
    }

    /** Decodes canonical base64. PHP's strict mode allows white space and missing padding. */
    private static function decode(string $text): ?string
    {
        $bytes = base64_decode($text, true);
        return $bytes !== false && base64_encode($bytes) === $text ? $bytes : null;
    }
}
