"""The first wrong prediction of a decode, noted on the device and read once.

Reading a number from a GPU waits for all that it was asked to do before. So a wrong number of a model is noted where it
is, in every call, and read when the loop of a decode has ended; the loop ends early where something is noted.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from theory.validation import InputError

__all__ = ["Describe", "FirstWrong"]

Describe = Callable[[torch.Tensor, str], InputError]  # values of the position (V,), the words for its place


class FirstWrong:
    """Where a model first gave wrong numbers, and which.

    Example:
        >>> first = FirstWrong()
        >>> values = torch.tensor([[[1.0, 0.0]], [[2.0, 0.0]]])
        >>> first.note(values[..., 0] > 1, values, lambda found, where: InputError(f"{found.tolist()} at {where}"))
        >>> first.check()
        Traceback (most recent call last):
        ...
        theory.validation.InputError: [2.0, 0.0] at position 0 of the answer in row 1 of the batch it was given...
    """

    def __init__(self) -> None:
        # whether there is one (1,), its row and position (2,), its values (V,)
        self._kept: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        self._describe: Describe | None = None

    def note(
        self,
        wrong: torch.Tensor,
        values: torch.Tensor,
        describe: Describe,
        places: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> None:
        """Keep the first wrong position of a call unless one is kept; nothing waits for the device.

        Args:
            wrong: Which positions are wrong, bool, shape (B, m), or (N,) with ``places``.
            values: What the model gives, shape (B, m, V), or (N, V).
            describe: Makes the error, once it is asked for.
            places: Row and position of each of N, both of shape (N,).
        """
        if not wrong.numel():
            return
        flat = wrong.reshape(-1)
        one = flat.to(torch.uint8).argmax(dim=0, keepdim=True)
        if places is None:
            row, position = one // wrong.shape[1], one % wrong.shape[1]
            found = values[row, position][0]
        else:
            row, position = (part.index_select(0, one) for part in places)
            found = values.index_select(0, one)[0]
        seen, place = flat.index_select(0, one), torch.cat([row, position])
        if self._kept is not None:
            before, first_place, first_found = self._kept
            place, found = torch.where(before, first_place, place), torch.where(before, first_found, found)
            seen = before | seen
        self._kept, self._describe = (seen, place, found), describe

    def found(self) -> torch.Tensor | None:
        """Return whether something is noted, bool, shape (1,), on the device; ``None`` if nothing was looked at."""
        return None if self._kept is None else self._kept[0]

    def check(self) -> None:
        """Raise the error of the first wrong position, if there is one; this waits for the device."""
        if self._kept is None or not bool(self._kept[0]):
            return
        assert self._describe is not None
        row, position = self._kept[1].tolist()
        where = (
            f"position {position} of the answer in row {row} of the batch it was given (both counted from 0)"
        )
        raise self._describe(self._kept[2], where)
