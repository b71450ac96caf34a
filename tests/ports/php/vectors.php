<?php

// Walks the vectors with the verifier in this folder:  php vectors.php <folder of the vector files>

declare(strict_types=1);

require __DIR__ . '/Signer.php';

/** The files that a verifier walks, and their functions. README.md has the reasons for the others. */
const WALKERS = [
    'construct' => 'construct',
    'verify' => 'verify',
    'envelope' => 'verify',
    'types' => 'verify',
    'headers' => 'verify',
    'sign' => 'sign',
    'standard' => 'standard',
    'hmac_sha256' => 'hmac',
];

function bytes(array $body): string
{
    if (isset($body['hex'])) {
        return hex2bin($body['hex']);
    }
    return $body['text'] ?? $body['prefix'] . str_repeat($body['unit'], $body['count']) . $body['suffix'];
}

function same(string $what, mixed $got, mixed $expected): void
{
    if ($got !== $expected) {
        [$got, $expected] = array_map(fn ($value) => substr(var_export($value, true), 0, 200), [$got, $expected]);
        throw new Exception("$what: $got instead of $expected");
    }
}

/** Compares the error of an action with the expected one, or returns the result of the action. */
function outcome(array $test, callable $action): mixed
{
    try {
        $result = $action();
    } catch (WebhookError $error) {
        same('code', $error->getCode(), $test['error'] ?? null);
        if (str_starts_with($test['where'] ?? '', '$')) { // PHP's parser names no line and no column
            same('where', $error->where, $test['where']);
        }
        return null;
    } catch (InvalidArgumentException $error) {
        same('argument', 'invalid_' . strtok($error->getMessage(), ' '), $test['error'] ?? null);
        return null;
    }
    same('error', null, $test['error'] ?? null);
    return $result;
}

function webhook(string $class, array $options): Webhook
{
    return new $class($options['secrets'], $options['tolerance'] ?? 300, $options['maxEventAge'] ?? null);
}

function construct(array $group, array $test): void
{
    if (outcome($test, fn () => webhook('Webhook', $test)) !== null) {
        $signature = Signer::sign($test['secrets'], bytes($group['body']), $group['timestamp']);
        same('signature', $signature, $test['signature']);
    }
}

function verify(array $group, array $test, string $class = 'Webhook'): void
{
    $body = bytes($test['body']);
    $headers = $test['headers'] ?? [];
    if (isset($test['signature'])) {
        $headers[] = ['X-Clarife-Signature', $test['signature']];
    }
    $webhook = webhook($class, $group['webhook']);
    $event = outcome($test, fn () => $webhook->verify($body, $headers, $test['now']));
    if ($event !== null) {
        $expected = $test['event'];
        $moment = ['seconds' => $event->seconds, 'nanos' => $event->nanos];
        same('id', $event->id, $expected['id']);
        same('type', $event->type, $expected['type']);
        same('created_at', $moment, $expected['createdAt']);
        same('data', $event->data, Event::decode($expected['data'] ?? substr($body, strpos($body, '"data":') + 7, -1)));
    }
}

function sign(array $group, array $test): void
{
    $header = outcome($test, fn () => Signer::sign($test['secrets'], bytes($test['body']), $test['timestamp']));
    same('header', $header, $test['header'] ?? null);
}

function standard(array $group, array $test): void
{
    if ($group['operation'] === 'verify') {
        verify($group, $test, 'StandardWebhook');
    } elseif ($group['operation'] === 'construct') {
        new Webhook($test['secrets']); // a secret without base64 is one for X-Clarife-Signature
        outcome($test, fn () => new StandardWebhook($test['secrets']));
    } else {
        [$body, $id, $timestamp] = [bytes($test['body']), $test['id'], $test['timestamp']];
        $sign = fn () => Signer::signStandard($test['secrets'], $body, $id, $timestamp);
        same('signature', outcome($test, $sign), $test['signature'] ?? null);
    }
}

/** Walks HMAC: with a key that can be a secret through `verify`, for which none of the messages is an event. */
function hmac(array $group, array $test): void
{
    [$key, $message, $tag] = [hex2bin($test['key']), hex2bin($test['msg']), $test['tag']];
    $isRight = hash_equals(substr(hash_hmac('sha256', $message, $key), 0, strlen($tag)), $tag);
    same('result', $isRight ? 'valid' : 'invalid', $test['result']);
    try {
        $webhook = new Webhook([$key]);
    } catch (WebhookError) {
        return;
    }
    $error = strlen($tag) < 64 ? 'malformed_signature' : ($isRight ? 'malformed_payload' : 'signature_mismatch');
    outcome(['error' => $error], fn () => $webhook->verify($message, [['x-clarife-signature', "t=0,v1=$tag"]], 0));
}

[$passed, $failed] = [[], []];
foreach (WALKERS as $name => $walk) {
    $file = json_decode(file_get_contents("$argv[1]/$name.json"), true, flags: JSON_THROW_ON_ERROR);
    $passed[$name] = $walked = 0;
    foreach ($file['testGroups'] as $group) {
        foreach ($group['tests'] as $test) {
            $walked++;
            try {
                $walk($group, $test);
                $passed[$name]++;
            } catch (Throwable $error) {
                $got = get_class($error) . ": {$error->getMessage()}";
                $failed[] = ['file' => $name, 'tcId' => $test['tcId'], 'comment' => $test['comment'], 'got' => $got];
            }
        }
    }
    if ($walked !== $file['numberOfTests'] || $walked === 0) {
        $got = "$walked walked, {$file['numberOfTests']} in the file";
        $failed[] = ['file' => $name, 'tcId' => 0, 'comment' => 'number of cases', 'got' => $got];
    }
}
$flags = JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;
echo json_encode(['runtime' => 'php', 'version' => PHP_VERSION, 'passed' => $passed, 'failed' => $failed], $flags), "\n";
exit($failed === [] ? 0 : 1);
