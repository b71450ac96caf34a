<?php

declare(strict_types=1);

/** A verified event: see section 3 of the protocol. */
final class Event
{
    private const MAX_DEPTH = 128;
    private const DATE_TIME = '/\A(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]'
        . '([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))\z/';

    private function __construct(
        public readonly string $id,
        public readonly string $type,
        public readonly int $seconds, // created_at in Unix seconds, rounded down
        public readonly int $nanos, // the rest of created_at, in nanoseconds
        public readonly array $data,
    ) {
    }

    /** Reads a verified body. */
    public static function parse(string $body): self
    {
        $event = self::decode($body);
        if (!is_array($event)) {
            throw self::malformed(json_last_error() === JSON_ERROR_NONE ? '$' : ''); // PHP names no line
        }
        $tokens = ['id' => null, 'type' => null, 'created_at' => null, 'data' => null];
        foreach (self::members($body) as [$name, $value]) {
            $name = json_decode($name) ?? ''; // null for half a surrogate pair
            if (array_key_exists($name, $tokens)) {
                $tokens[$name] = $tokens[$name] === null ? $value : throw self::malformed("$.$name");
            }
        }
        $id = self::text($tokens['id']) ?? throw self::malformed('$.id');
        $type = self::text($tokens['type']) ?? throw self::malformed('$.type');
        $moment = self::moment(self::text($tokens['created_at']) ?? '') ?? throw self::malformed('$.created_at');
        if (!str_starts_with(ltrim($tokens['data'] ?? ''), '{')) {
            throw self::malformed('$.data');
        }
        return new self($id, $type, $moment[0], $moment[1], $event['data']);
    }

    /** Parses JSON strictly. Half a surrogate pair is valid, and reads as U+FFFD. */
    public static function decode(string $json): mixed
    {
        $depth = self::MAX_DEPTH + 1; // PHP counts the innermost value too
        $value = json_decode($json, true, $depth);
        if (json_last_error() === JSON_ERROR_UTF16) {
            $pair = '\\\\u[dD][89abAB]..\\\\u[dD][c-fC-F]..';
            $halves = "/$pair(*SKIP)(*FAIL)|\\\\\\\\(*SKIP)(*FAIL)|\\\\u[dD][89a-fA-F]../";
            $value = json_decode(preg_replace($halves, '\ufffd', $json) ?? '', true, $depth);
        }
        return $value;
    }

    /** Splits an object into the texts of its names and values. The object is valid JSON. */
    private static function members(string $json): iterable
    {
        $json = trim($json, " \t\r\n");
        if ($json[0] !== '{') {
            throw self::malformed('$');
        }
        [$depth, $start, $name] = [0, 1, ''];
        for ($at = 0; $at < strlen($json); $at += 1 + strcspn($json, '"{[]},:', $at + 1)) {
            $character = $json[$at];
            if ($character === '"') { // skip to the end of the string
                for ($at++; $json[$at] !== '"'; $at += strcspn($json, '"\\', $at)) {
                    $at += $json[$at] === '\\' ? 2 : 0;
                }
                continue;
            }
            $depth += match ($character) { '{', '[' => 1, '}', ']' => -1, default => 0 };
            if ($depth === 1 && $character === ':') {
                [$name, $start] = [substr($json, $start, $at - $start), $at + 1];
            } elseif ($name !== '' && ($depth === 0 || $depth === 1 && $character === ',')) {
                yield [$name, substr($json, $start, $at - $start)];
                [$name, $start] = ['', $at + 1];
            }
        }
    }

    /** Returns the text of a string that is not empty, or null. */
    private static function text(?string $token): ?string
    {
        $text = $token === null ? null : json_decode($token);
        return is_string($text) && $text !== '' ? $text : null;
    }

    /** Returns the seconds and nanoseconds of an RFC 3339 date-time, or null. */
    private static function moment(string $text): ?array
    {
        if (!preg_match(self::DATE_TIME, $text, $part)) {
            return null;
        }
        [, $year, $month, $day, $hour, $minute, $second] = $part;
        $isLeapSecond = $second === '60';
        $second = $isLeapSecond ? '59' : $second;
        $local = new DateTimeImmutable("$year-$month-{$day}T$hour:$minute:{$second}Z");
        if ($local->format('d') !== $day) { // PHP moves 30 February to March
            return null;
        }
        $offset = isset($part[8]) ? (int) "$part[8]1" * ($part[9] * 3600 + $part[10] * 60) : 0;
        $seconds = $local->getTimestamp() - $offset;
        if ($isLeapSecond) {
            return gmdate('d H:i:s', $seconds + 1) === '01 00:00:00' ? [$seconds, 999_999_999] : null;
        }
        return [$seconds, (int) substr(($part[7] ?? '') . '000000000', 0, 9)];
    }

    private static function malformed(string $where): WebhookError
    {
        return new WebhookError('malformed_payload', 'the body is not an event', $where);
    }
}
