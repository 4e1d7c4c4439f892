"""Words to be put into a sentence, at three levels.

*Easy*: four everyday words of one theme. *Medium*: two words of each of two themes. *Hard*: four unrelated words, most
of them rare. The words differ from the released sets, which a language model wrote.
"""

from __future__ import annotations

from itertools import chain
from random import Random

from synthetic.parallelbench.samples import Sample
from theory.validation import InputError, choice

__all__ = ["LEVELS", "RARE", "THEMES", "words_sample"]

LEVELS = ("easy", "medium", "hard")
THEMES = tuple(
    tuple(line.split())
    for line in """
    kitchen soup spoon salt pot cook
    garden rose bee soil rain spade
    school teacher pencil lesson desk homework
    beach sand wave shell towel swim
    farm cow barn hay milk tractor
    train ticket station platform journey seat
    forest tree owl path moss hike
    hospital nurse bed medicine visit patient
    music song guitar stage listen band
    winter snow coat ice sled scarf
    library book shelf quiet borrow reader
    bakery bread oven flour morning cake
    football goal team whistle kick referee
    city street bus traffic tower crowd
    birthday candle gift balloon friend party
    river boat bridge fish bank current
    office meeting email printer coffee colleague
    camping tent fire lantern blanket star
    market apple price basket stall fruit
    airport plane luggage pilot gate passport
    cinema film screen popcorn actor dark
    mountain climb rope peak cloud boots
    home sofa lamp window curtain cat
    zoo lion cage feed visitor monkey
    """.strip().splitlines()
)
_RARE = """
abacus alabaster axolotl ballast barnacle bellows brine calipers cassock chisel cinder citadel clavicle
cobalt crucible decanter dowel ember estuary ferret filigree flotsam gargoyle gazebo glacier gossamer
granary gyroscope harpoon heron hinge ibex inkwell isthmus jetty juniper kelp keystone kiln lacquer lichen
lintel lodestone lute magnet marzipan meridian mortar nettle nimbus obelisk ocelot osprey paddock
parchment pendulum pewter plinth pollen prism pulley quarry quill quiver rapier resin rivet sextant shale
sluice sorrel spindle sundial tallow tannin thimble thistle topaz trellis tundra turbine umber vellum
verdigris vestibule wharf wicker willow yarrow zephyr
"""
RARE = tuple(_RARE.split())


def words_sample(level: str, rng: Random, count: int = 4) -> Sample:
    """Return words to be used in one sentence.

    Args:
        level: ``easy``, ``medium`` or ``hard``.
        rng: Source of randomness.
        count: How many words, 1 to 6.

    Example:
        >>> words_sample("easy", Random(0)).input["words"]
        'whistle, football, team, and referee'
    """
    choice(level, "level", LEVELS)
    if not 1 <= count <= 6:
        raise InputError(f"a sentence is asked for with 1 to 6 words, got {count}.")
    if level == "easy":
        words = rng.sample(rng.choice(THEMES), count)
    elif level == "medium":
        one, other = rng.sample(THEMES, 2)
        pool = list(chain(rng.sample(one, (count + 1) // 2), rng.sample(other, count // 2)))
        words = rng.sample(pool, count)
    else:
        words = rng.sample(RARE, count)
    written = words[0] if count == 1 else f"{', '.join(words[:-1])}{',' if count > 2 else ''} and {words[-1]}"
    return Sample(input={"words": written}, answer={"words": words}, metadata={"length": count})
