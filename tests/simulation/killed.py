"""A world whose order manager is killed once, at a chosen thing that it does, and comes back warm or cold."""

from __future__ import annotations

from typing import Any

from tests.simulation.profiles import VALIDITY_MS, Profile
from tests.simulation.world import SECOND_NS, World

DOWN_NS = SECOND_NS // 10


class KilledWorld(World):
    """Killed as the ``kill_at``-th input is taken: after what came of it was sent, or after it was only journalled."""

    n_steps = 90
    n_quiet_steps = 60
    least_events = 300

    def __init__(
        self, seed: int, profile: Profile, kill_at: int = 0, *, cold: bool = False, unsent: bool = False
    ) -> None:
        super().__init__(seed, profile)
        self.kill_at, self.is_cold_kill, self.is_unsent = kill_at, cold, unsent
        self.n_done = 0

    def _do(self, what: str, *args: Any, **kwargs: Any) -> None:
        if not self.is_up:
            return
        self.n_done += 1
        super()._do(what, *args, **kwargs)
        if self.n_done == self.kill_at:
            self.net.crash_us(DOWN_NS)
            self._fall()
            self._is_cold = self.is_cold_kill
            wait_ns = round(VALIDITY_MS * 1e6) + SECOND_NS if self._is_cold else 0
            self._return_ns = max(self.net.we_return_ns, self.now + wait_ns)

    def _send(self, commands: Any) -> None:
        if self.is_unsent and self.n_done == self.kill_at:
            self._sent.append(commands.tobytes())
            return
        super()._send(commands)
