"""People with names of two words, for the lists of the waiting line.

The words differ from the released ones, and no word is both a first and a last name. By default no two people of a
sample share a word: a shared word makes tokens depend on each other in another way, and changes what a perfect model
can reach.
"""

from __future__ import annotations

from random import Random

from theory.validation import InputError

__all__ = ["FIRST_NAMES", "LAST_NAMES", "draw_people"]

_FIRST_NAMES = """
Ada Alma Amir Anton Asha Astrid Bela Bruno Callum Carmen Chiara Clara Dalia Darya Dina Edith Elif Emil
Enzo Esther Farid Felix Flora Freya Gavin Greta Hana Helga Hugo Ida Ilse Imran Ines Ivan Jana Jonas Jorge
Kaya Kira Klaus Lars Leila Lena Linus Luca Lydia Magda Malik Mara Matteo Mila Miriam Nadia Nora Olaf Olga
Omar Otto Pablo Petra Quinn Rafael Rania Rosa Ruben Salma Selma Silas Sofia Stefan Tara Teresa Tomas
Ulrike Uma Vera Viktor Wanda Yara Yusuf Zoe
"""
FIRST_NAMES = tuple(_FIRST_NAMES.split())
_LAST_NAMES = """
Abbott Adler Albright Aldana Almeida Ashby Bachmann Barlow Becker Bergman Birch Blum Bolton Brandt Bristow
Calder Carver Castillo Conti Cordero Dahl Dalton Devlin Drake Duarte Eklund Ellery Engel Falk Farrow
Ferrara Finch Fischer Forsberg Frost Galvan Gardner Gruber Hale Halloran Hartley Haug Herrera Holm Horvat
Ibarra Ivers Jansen Jarvis Juarez Keller Kimura Klein Kovac Lange Larkin Leclerc Lindgren Lowell Lund
Madden Marchetti Marlow Mercer Moreau Munoz Nilsen Novak Oakley Ortega Osborne Palmer Pereira Petrov
Quigley Rasmussen Redmond Rinaldi Rowe Salazar Sandoval Schwarz Seidel Sharma Sorensen Stroud Takeda
Thorne Tolliver Ulrich Vance Varga Vogel Walsh Weber Winslow Yates Zeller Zhang
"""
LAST_NAMES = tuple(_LAST_NAMES.split())


def draw_people(rng: Random, count: int, *, sharing: bool = False) -> list[str]:
    """Return different people, ``First Last``.

    Args:
        rng: Source of randomness.
        count: How many.
        sharing: Whether two people may share a first or a last name, as drawing pairs without replacement gives.

    Raises:
        InputError: If there are not so many.

    Example:
        >>> draw_people(Random(1), 2)
        ['Emil Zeller', 'Tomas Becker']
    """
    most = len(FIRST_NAMES) * len(LAST_NAMES) if sharing else min(len(FIRST_NAMES), len(LAST_NAMES))
    if count > most:
        raise InputError(f"there are {most} different people, got a list of {count}; use shorter lists.")
    if not sharing:
        pairs = zip(rng.sample(FIRST_NAMES, count), rng.sample(LAST_NAMES, count), strict=True)
    else:
        pairs = (
            (FIRST_NAMES[i % len(FIRST_NAMES)], LAST_NAMES[i // len(FIRST_NAMES)])
            for i in rng.sample(range(most), count)
        )
    return [f"{first} {last}" for first, last in pairs]
