<?php

declare(strict_types=1);

require_once __DIR__ . '/StandardWebhook.php';

/** Signatures for tests of a handler: see sections 4 and 5.3 of the protocol. */
final class Signer
{
    /**
     * Returns the value of X-Clarife-Signature.
     *
     * @param string[] $secrets newest first
     */
    public static function sign(#[SensitiveParameter] array $secrets, string $body, int $timestamp): string
    {
        self::checkTimestamp($timestamp);
        $elements = array_map(fn ($secret) => ',v1=' . hash_hmac('sha256', $body, $secret), $secrets);
        return "t=$timestamp" . implode('', $elements);
    }

    /** Returns the value of webhook-signature. */
    public static function signStandard(
        #[SensitiveParameter] array $secrets,
        string $body,
        string $id,
        int $timestamp,
    ): string {
        self::checkTimestamp($timestamp);
        if (!StandardWebhook::isId($id)) {
            throw new InvalidArgumentException('id must be 1 to 4096 characters of visible ASCII');
        }
        $tag = fn ($secret) => hash_hmac('sha256', "$id.$timestamp.$body", StandardWebhook::key($secret), true);
        return implode(' ', array_map(fn ($secret) => 'v1,' . base64_encode($tag($secret)), $secrets));
    }

    private static function checkTimestamp(int $timestamp): void
    {
        if ($timestamp < 0 || $timestamp > 999_999_999_999) {
            throw new InvalidArgumentException('timestamp must be 0 to 999999999999');
        }
    }
}
