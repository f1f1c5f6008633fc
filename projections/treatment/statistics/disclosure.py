"""What can be worked out of a table of which some cells are hidden: the range of each hidden size.

The table is scopes x groups; its last scope, the whole, is the sum of the others, the themes. Every scope's total is known. Hidden
sizes are unknown whole numbers from 0 up. All tables that look like the true one follow from it by circulations in a network
(as in Cox, Network models for complementary cell suppression, Journal of the American Statistical Association 90, 1995): scopes and
groups are nodes, a hidden cell is an edge. To raise a theme's cell is to go from the theme to the group, to lower it is to go back,
which its size limits; the whole's cell has the other direction, since it grows with the themes' cells instead of replacing them.
The constraints are a network matrix, so ranges over whole numbers and over fractions are the same.
"""

from collections.abc import Iterator, Sequence


class Lookalikes:
    """All tables that agree with what is shown of one."""

    def __init__(self, sizes: Sequence[Sequence[int]], hidden: Sequence[Sequence[bool]]) -> None:
        """`sizes` and `hidden`: scopes x groups, the whole last."""
        self._sizes = [list(row) for row in sizes]
        self._whole = len(sizes) - 1
        self._onward = [0] * (len(sizes) + len(sizes[0]))
        self._inward = self._onward.copy()
        """Of each node, a bit for every node that one step leads to, or comes from; groups are numbered after scopes."""
        for scope, row in enumerate(hidden):
            for group, unseen in enumerate(row):
                if unseen:
                    self._link(*self._raising(scope, group))
                    if sizes[scope][group]:
                        self._link(*reversed(self._raising(scope, group)))

    def width(self, scope: int, group: int, enough: int) -> int:
        """The highest size that the hidden cell may have, for all that is shown, less the lowest; `enough` at most."""
        tail, head = self._raising(scope, group)
        size, links = self._sizes[scope][group], (self._onward.copy(), self._inward.copy())
        self._unlink(tail, head)
        self._unlink(head, tail)
        up = self._flow(head, tail, enough)
        down = self._flow(tail, head, min(size, enough - up))
        self._onward, self._inward = links
        return up + down

    def _flow(self, source: int, target: int, wanted: int) -> int:
        """How much can go from one node to the other, `wanted` at most: along shortest paths (Edmonds and Karp 1972), then undone."""
        links, moved, undo = (self._onward.copy(), self._inward.copy()), 0, list[tuple[int, int, int]]()
        while moved < wanted and (path := self._path(source, target)):
            steps = [self._step(*step) for step in path]
            amount = min([wanted - moved, *(self._sizes[scope][group] for scope, group, sign in steps if sign < 0)])
            for (tail, head), (scope, group, sign) in zip(path, steps, strict=True):
                self._sizes[scope][group] += sign * amount
                undo.append((scope, group, -sign * amount))
                if sign > 0:
                    self._link(head, tail)
                elif not self._sizes[scope][group]:
                    self._unlink(tail, head)
            moved += amount
        for scope, group, change in undo:
            self._sizes[scope][group] += change
        self._onward, self._inward = links
        return moved

    def _path(self, source: int, target: int) -> list[tuple[int, int]]:
        """The steps of a shortest path between nodes that no step joins; none where there is no path."""
        before, unseen, last = dict[int, int](), ~(1 << source), self._inward[target]
        queue = [(source, 1 << source)]
        for parent, nodes in queue:
            for node in _bits(nodes):
                before[node] = parent
                found = self._onward[node] & unseen
                unseen &= ~found
                if found & last:
                    nearest = next(_bits(found & last))
                    return self._back(before | {nearest: node}, source, [(nearest, target)])
                queue.append((node, found))
        return []

    @staticmethod
    def _back(before: dict[int, int], source: int, path: list[tuple[int, int]]) -> list[tuple[int, int]]:
        while (node := path[-1][0]) != source:
            path.append((before[node], node))
        return path

    def _raising(self, scope: int, group: int) -> tuple[int, int]:
        node = self._whole + 1 + group
        return (node, scope) if scope == self._whole else (scope, node)

    def _step(self, tail: int, head: int) -> tuple[int, int, int]:
        """The cell that a step moves, and whether it is raised (1) or lowered (-1)."""
        scope, node = min(tail, head), max(tail, head)
        return scope, node - self._whole - 1, 1 if (tail == scope) != (scope == self._whole) else -1

    def _link(self, tail: int, head: int) -> None:
        self._onward[tail] |= 1 << head
        self._inward[head] |= 1 << tail

    def _unlink(self, tail: int, head: int) -> None:
        self._onward[tail] &= ~(1 << head)
        self._inward[head] &= ~(1 << tail)


def _bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        mask ^= lowest
        yield lowest.bit_length() - 1
