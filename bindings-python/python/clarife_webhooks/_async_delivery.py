"""The driver of the flow in an event loop.

It is a module of its own because importing asyncio takes longer than importing the rest of the package.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from clarife_webhooks._body import BodyBuffer
from clarife_webhooks._compat import Unpack
from clarife_webhooks._constants import BODY_TIMEOUT, STORE_LATE, STORE_TIMEOUT
from clarife_webhooks._delivery import (
    Call,
    Flow,
    Receiver,
    StoreTimeoutError,
    Trusted,
    WebhookResponse,
    do_nothing,
    is_async,
    make_response,
)
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import Webhook
from clarife_webhooks._options import AsyncReceiveOptions, Handler
from clarife_webhooks.dedup import Claim, MemoryStore

_T = TypeVar("_T")


class AsyncReceiver(Receiver):
    """A receiver that awaits coroutines and makes all other calls in a thread.

    Cancelling a delivery cancels a coroutine of the handler, and the claim is released. A thread cannot be cancelled:
    its flow goes on in the background.
    """

    def __init__(self, webhook: Webhook | Trusted, handler: Handler, **options: Unpack[AsyncReceiveOptions]) -> None:
        super().__init__(webhook, handler, **options)
        self._in_memory = self.dedup is not None and isinstance(self.dedup.store, MemoryStore)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def receive(
        self, method: str, body: Any, headers: Any, *, debug: bool = sys.flags.dev_mode
    ) -> WebhookResponse:
        """Receives a delivery. `body` is the request body, or a function that reads it and may raise WebhookError.
        `debug` is True in development."""
        flow = await self.start(method, body, headers, debug)
        if isinstance(flow, WebhookResponse):
            return flow
        if is_async(flow.call()):
            return await self.finish(flow)
        return await asyncio.shield(self._spawn(self.finish(flow)))

    async def start(self, method: str, body: Any, headers: Any, debug: bool) -> Flow | WebhookResponse:
        """Verifies a delivery and claims its event. Returns the response if the handler must not run."""
        if method != "POST":
            return make_response("method_not_allowed")
        try:
            flow = self.verify(await self._call(body) if callable(body) else body, headers)
        except WebhookError as error:
            return self.refuse(error, debug)
        while flow.step is not None and not flow.at_handler:
            await self._take_step(flow)
        return flow.end() if flow.step is None else flow

    async def finish(self, flow: Flow) -> WebhookResponse:
        """Takes the rest of the steps."""
        while flow.step is not None:
            await self._take_step(flow)
        return flow.end()

    async def run_in_thread(self, call: Call) -> Any:
        """Makes a call in a thread."""
        return await asyncio.to_thread(call)

    async def _take_step(self, flow: Flow) -> None:
        call = flow.call()
        try:
            if flow.at_handler:
                result = await self._call(call)
            elif self._in_memory:
                result = call()
            else:
                result = await self._call_store(call, flow)
        except BaseException as error:
            flow.raised(error)
        else:
            flow.returned(result)

    async def _call(self, call: Call) -> Any:
        if call is do_nothing or is_async(call):
            result = call()
        else:
            result = await self.run_in_thread(partial(_contain_stop_iteration, call))
        return await result if inspect.isawaitable(result) else result

    async def _call_store(self, call: Call, flow: Flow) -> Any:
        task = self._spawn(self._call(call))
        done: set[asyncio.Task[Any]] = set()
        try:
            # `wait` does not cancel the task: a mark is written even if the delivery is cancelled.
            done, _ = await asyncio.wait({task}, timeout=STORE_TIMEOUT)
        finally:
            if not done and flow.step == "claim":
                self._spawn(self._release_late_claim(task, flow.event.id))
        if not done:
            if is_async(call):  # a thread cannot be cancelled
                task.cancel()
            raise StoreTimeoutError(STORE_LATE)
        return task.result()

    async def _release_late_claim(self, claiming: asyncio.Task[Any], id: str) -> None:
        await asyncio.wait({claiming})
        if self.dedup is not None and not claiming.cancelled():
            claim = claiming.result()
            if isinstance(claim, Claim) and claim.state == "new":
                await self._call(partial(self.dedup.store.release, self.dedup.id_of(id), claim.token))

    def _spawn(self, coroutine: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Starts a task that cancelling the delivery does not cancel."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)  # the event loop has only a weak reference
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # asyncio would log it; the flow has reported it, or a time-out before it


async def read_in_time(body: BodyBuffer, read: Coroutine[Any, Any, None]) -> None:
    """Awaits the reading of a body. Raises WebhookError (body_incomplete) if that fails or takes longer than
    `BODY_TIMEOUT`."""
    with body.reading():
        await asyncio.wait_for(read, BODY_TIMEOUT)


def _contain_stop_iteration(call: Call) -> Any:
    # A future cannot hold a StopIteration: awaiting the thread would never end.
    try:
        return call()
    except StopIteration as error:
        raise RuntimeError("a function raised StopIteration") from error
