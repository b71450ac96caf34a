<?php

declare(strict_types=1);

require_once __DIR__ . '/Webhook.php';

/** A store of claims that all processes share, such as a table. A store that fails throws. */
interface Store
{
    /** Claims an id for some seconds. Returns `new` and a token, or `in_progress` or `done` and an empty token. */
    public function claim(string $id, int $seconds): array;

    /** Marks an id as handled for some seconds. */
    public function complete(string $id, string $token, int $seconds): void;

    /** Releases a claim, if the token is its own. */
    public function release(string $id, string $token): void;
}

/** A receiver that handles each event once: see section 5 of the protocol. */
final class Receiver
{
    /**
     * @param Closure(Event): void $handler throws if it failed
     * @param Closure(string, Throwable): void $onError gets an error's code and the error
     */
    public function __construct(
        private readonly Webhook $webhook,
        private readonly Closure $handler,
        private readonly Closure $onError,
        private readonly ?Store $store = null,
        private readonly int $claimSeconds = 50, // less than the 60 s before clarife's last retry
        private readonly int $doneSeconds = 86_400,
        private readonly int $maxBodyBytes = 10_485_760,
    ) {
    }

    /** Returns the status, the headers and the body of the response. */
    public function receive(string $body, array $headers, string $method = 'POST', ?int $now = null): array
    {
        if ($method !== 'POST') {
            return self::response(405, 'method_not_allowed', 'webhooks are sent with POST', ['allow' => 'POST']);
        }
        $now ??= time();
        try {
            if (strlen($body) > $this->maxBodyBytes) {
                throw new WebhookError('body_too_large', 'the body exceeds the size limit');
            }
            $event = $this->webhook->verify($body, $headers, $now);
        } catch (WebhookError $error) {
            ($this->onError)($error->getCode(), $error);
            $status = $error->getCode() === 'body_too_large' ? 413 : 400;
            return self::response($status, $error->getCode(), $error->getMessage());
        }
        $claim = ['new', ''];
        if (!$this->succeeds('store_unavailable', function () use ($event, &$claim) {
            $claim = $this->store?->claim($event->id, $this->claimSeconds) ?? $claim;
        })) {
            return self::response(503, 'store_unavailable', 'the store of handled events is not available');
        }
        [$state, $token] = $claim;
        if ($state !== 'new') {
            return $state === 'done'
                ? self::response(200, 'duplicate')
                : self::response(409, 'in_progress', 'the event is being handled');
        }
        if (!$this->succeeds('handler_failed', fn () => ($this->handler)($event))) {
            $this->succeeds('store_unavailable', fn () => $this->store?->release($event->id, $token));
            return self::response(500, 'handler_failed', 'the handler failed');
        }
        // The mark lives until the event is too old. If it cannot be written, the event was handled all the same.
        $maxAge = $this->webhook->maxEventAge;
        $seconds = max($this->doneSeconds, $maxAge === null ? 0 : $event->seconds + $maxAge + 1 - $now);
        $this->succeeds('store_unavailable', fn () => $this->store?->complete($event->id, $token, $seconds));
        return self::response(200, 'handled');
    }

    /** Runs a step. Reports its error, and returns false. */
    private function succeeds(string $code, Closure $step): bool
    {
        try {
            $step();
            return true;
        } catch (Throwable $error) {
            ($this->onError)($code, $error);
            return false;
        }
    }

    private static function response(int $status, string $code, ?string $error = null, array $headers = []): array
    {
        $body = json_encode(array_filter(['code' => $code, 'error' => $error]), JSON_UNESCAPED_SLASHES);
        return [$status, ['content-type' => 'application/json'] + $headers, $body];
    }
}
