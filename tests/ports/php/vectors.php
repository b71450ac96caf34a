<?php

// Walks the vectors with the port in this folder:  php vectors.php <folder of the vector files>

declare(strict_types=1);

require __DIR__ . '/Receiver.php';
require __DIR__ . '/Signer.php';

/** The files that a receiver walks, and their functions. README.md has the reasons for the others. */
const WALKERS = [
    'construct' => 'construct',
    'verify' => 'verify',
    'envelope' => 'verify',
    'types' => 'verify',
    'headers' => 'verify',
    'sign' => 'sign',
    'standard' => 'standard',
    'hmac_sha256' => 'hmac',
    'receive' => 'receive',
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
        $data = $expected['data'] ?? substr($body, strpos($body, '"data":') + 7, -1);
        same('data', $event->data, json_decode($data, true) ?? Event::decode($data));
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

/** A store with the outcomes of a case, which records its calls. */
final class ScriptedStore implements Store
{
    public array $calls = [];

    public function __construct(private readonly array $outcomes)
    {
    }

    public function claim(string $id, int $seconds): array
    {
        $state = $this->record('claim', $id, 'token', ['ttl' => $seconds]);
        return [$state, $state === 'new' ? 'token' : ''];
    }

    public function complete(string $id, string $token, int $seconds): void
    {
        $this->record('complete', $id, $token, ['ttl' => $seconds]);
    }

    public function release(string $id, string $token): void
    {
        $this->record('release', $id, $token);
    }

    public function record(string $call, string $id, string $token = 'token', array $times = []): string
    {
        $this->calls[] = ['call' => $call] + $times + ($id === 'evt_1' && $token === 'token' ? [] : [$id => $token]);
        $outcome = $this->outcomes[$call] ?? 'missing';
        return $outcome === 'failed' ? throw new RuntimeException("$call failed") : $outcome;
    }
}

/** Walks a receiver. A synchronous one has no handler that is abandoned, and no step that is late. */
function receive(array $group, array $test): bool
{
    $outcomes = ($test['store'] ?? []) + ['handle' => $test['handler'] ?? 'missing'];
    if (array_intersect($outcomes, ['late', 'abandoned']) !== []) {
        return false;
    }
    $store = new ScriptedStore($outcomes);
    $reports = [];
    $receiver = new Receiver(
        webhook('Webhook', $group['webhook']),
        fn (Event $event) => $store->record('handle', $event->id),
        function (string $code) use (&$reports) {
            $reports[] = $code;
        },
        ...array_filter([
            'store' => $group['dedup'] === null ? null : $store,
            'claimSeconds' => $group['dedup']['claimTtl'] ?? null,
            'doneSeconds' => $group['dedup']['doneTtl'] ?? null,
            'maxBodyBytes' => $group['maxBodyBytes'] ?? null,
        ]),
    );
    $headers = isset($test['signature']) ? [['x-clarife-signature', $test['signature']]] : [];
    $response = $receiver->receive(bytes($test['body']), $headers, $test['method'] ?? 'POST', $test['now']);
    same('calls', $store->calls, $test['calls']);
    same('reports', $reports, $test['reports']);
    ['status' => $status, 'headers' => $expected, 'body' => $body] = $test['response'];
    same('response', $response, [$status, $expected, $body]);
    return true;
}

[$passed, $failed] = [[], []];
foreach (WALKERS as $name => $walk) {
    $file = json_decode(file_get_contents("$argv[1]/$name.json"), true, flags: JSON_THROW_ON_ERROR);
    $passed[$name] = $walked = 0;
    foreach ($file['testGroups'] as $group) {
        foreach ($group['tests'] as $test) {
            $walked++;
            try {
                $passed[$name] += $walk($group, $test) === false ? 0 : 1;
            } catch (Throwable $error) {
                $got = get_class($error) . ": {$error->getMessage()}";
                $failed[] = ['file' => $name, 'tcId' => $test['tcId'], 'comment' => $test['comment'], 'got' => $got];
            }
        }
    }
    if ($walked !== $file['numberOfTests'] || $passed[$name] === 0) {
        $got = "$walked walked, $passed[$name] passed, {$file['numberOfTests']} in the file";
        $failed[] = ['file' => $name, 'tcId' => 0, 'comment' => 'number of cases', 'got' => $got];
    }
}
$flags = JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE;
$report = ['runtime' => 'php', 'version' => PHP_VERSION, 'passed' => $passed, 'failed' => $failed];
echo json_encode($report, $flags), "\n";
exit($failed === [] ? 0 : 1);
