"""A relay between clients and the server that loses one answer, or one request, and then nobody can connect for a while.

A lost answer is the worst moment for a restart: the server has taken a request, and its sender is not told.
"""

import asyncio
import threading

# How requests begin that bring events.
PUSHES = (b"POST ", b"PUT ")


class Relay:
    """Listens on a port of its own and passes bytes on to `server`, both ways."""

    def __init__(self, server):
        self.server = server
        # Which push is lost, whether the server takes it before, and what is done then.
        self.lost_push, self.is_taken, self.meanwhile = None, True, None
        # What the server answered and nobody was told, or what was asked and it was not told.
        self.lost = None
        self.pushes = 0
        self.connections, self.tasks = set(), set()
        self.address = ("127.0.0.1", 0)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.call(self.listen())

    @property
    def url(self):
        return "http://{}:{}".format(*self.address)

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def listen(self):
        self.listener = await asyncio.start_server(self.relay, *self.address)
        self.address = self.listener.sockets[0].getsockname()

    def lose(self, push, is_taken, meanwhile):
        """Keeps push number `push` back, or the answer if it `is_taken`, cuts all connections, and refuses others until `meanwhile()` is done."""
        self.lost_push, self.is_taken, self.meanwhile = push, is_taken, meanwhile

    async def relay(self, from_client, to_client):
        connection, task = Connection(self, from_client, to_client), asyncio.current_task()
        self.connections.add(connection)
        self.tasks.add(task)
        try:
            await connection.run()
        except OSError:
            # Nobody listens: so the server is gone.
            pass
        finally:
            self.connections.discard(connection)
            self.tasks.discard(task)
            connection.end()

    def lose_now(self, part):
        self.lost = part
        # In a task of its own: the connection that it comes from is cut with the others.
        self.losing = asyncio.ensure_future(self.be_away())

    async def be_away(self):
        self.listener.close()
        for connection in self.connections:
            connection.cut()
        await self.loop.run_in_executor(None, self.meanwhile)
        await self.listen()

    def close(self):
        async def close():
            self.listener.close()
            for connection in self.connections:
                connection.cut()
            await asyncio.gather(*self.tasks)

        self.call(close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Connection:
    def __init__(self, relay, from_client, to_client):
        self.relay, self.from_client, self.to_client = relay, from_client, to_client
        self.to_server = None
        # The number of the push that is under way on this connection.
        self.push = None
        self.is_waiting = False

    async def run(self):
        self.from_server, self.to_server = await asyncio.open_connection(*self.relay.server)
        tasks = [asyncio.ensure_future(self.requests()), asyncio.ensure_future(self.answers())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            # Either side went away: the other is told by the end of its connection.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def requests(self):
        while part := await self.from_client.read(65536):
            # No client here sends a request before the one before it is answered.
            if not self.is_waiting:
                self.is_waiting = True
                self.push = None
                if part.startswith(PUSHES):
                    self.relay.pushes += 1
                    self.push = self.relay.pushes
                    if not self.relay.is_taken and self.is_lost():
                        self.relay.lose_now(part)
                        return
            self.to_server.write(part)
            await self.to_server.drain()

    async def answers(self):
        while part := await self.from_server.read(65536):
            if self.is_waiting and not part.startswith(b"HTTP/1.1 100"):
                self.is_waiting = False
                if self.is_lost():
                    self.relay.lose_now(part)
                    return
            self.to_client.write(part)
            await self.to_client.drain()

    def is_lost(self):
        return self.push is not None and self.push == self.relay.lost_push

    def end(self):
        """Ends it behind what was passed on."""
        for writer in self.writers():
            writer.close()

    def cut(self):
        """Breaks it off, as the end of a process does."""
        for writer in self.writers():
            writer.transport.abort()

    def writers(self):
        return [writer for writer in (self.to_client, self.to_server) if writer is not None]
