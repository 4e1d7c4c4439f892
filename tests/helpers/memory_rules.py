"""The rules of test_memory_rules, as the program reads them and as the reference applies them."""

from fractions import Fraction

from hypothesis import strategies as st

from tests.reference import positions
from tests.reference import processes as rp

LEVELS = ("0", "1/3", "0.4", "1/2", "2/3", "3/4", "0.9")
BLOCKS = (None, 1, 2)

EXAMPLES = {
    "hierarchy:gamma=0.9": positions.Hierarchy("0.9"),
    "hierarchy:gamma=0.6,low=0.3,ties=all,block=2": positions.Hierarchy("0.6", "0.3", "all", 2),
    "klass:tau=0.6,eps=0.01": rp.KLASS("0.6", "0.01"),
    "klass:tau=0.4,eps=0.2,history=1,block=2": rp.KLASS("0.4", "0.2", 1, 1, 2),
    "pc:k=2": positions.PC(2),
    "demask:budget=0.3": positions.DEMASK("0.3"),
    "demask:budget=0.3,per=position,block=3": positions.DEMASK("0.3", "position", block=3),
    "slowfast:explore=3": rp.SlowFast(explore=3),
    "slowfast:form=released,cut=true,explore=1": rp.SlowFastReleased(explore=1, cut=True),
    "slowfast:form=released,low=0.4,high=0.6,explore=2,block=2": rp.SlowFastReleased(
        "0.4", "0.6", 2, block=2
    ),
    "lopa:gamma=0.9,k=2": rp.LoPA("0.9", 2),
    "lopa:gamma=0.6,k=2,by=confidence,equal=anchor,block=3": rp.LoPA(
        "0.6", 2, by="confidence", equal="anchor", block=3
    ),
    "lopa:gamma=1,k=2,by=confidence,lowest=1/2,weight=1/2": rp.LoPA(1, 2, "confidence", "1/2", "1/2"),
    "credit:gamma=0.9": rp.Credit(0.9),
    "credit:gamma=0.6,top=lowest,block=2": rp.Credit(0.6, top="lowest", block=2),
}


def spec(name: str, **keys) -> str:
    text = ",".join(f"{key}={str(value).lower()}" for key, value in keys.items() if value is not None)
    return f"{name}:{text}"


@st.composite
def hierarchies(draw):
    keys = {
        "gamma": draw(st.sampled_from(LEVELS)),
        "low": draw(st.sampled_from(LEVELS)),
        "ties": draw(st.sampled_from(["random", "lowest", "all"])),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    return spec("hierarchy", **keys), positions.Hierarchy(**keys)


@st.composite
def klasses(draw):
    keys = {
        "tau": draw(st.sampled_from(LEVELS)),
        "eps": draw(st.sampled_from(["0.001", "0.1", "1/2", "1", "3"])),
        "history": draw(st.integers(1, 3)),
        "k": draw(st.integers(1, 2)),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    return spec("klass", **keys), rp.KLASS(**keys)


@st.composite
def pcs(draw):
    keys = {
        "k": draw(st.integers(1, 2)),
        "lam": draw(st.sampled_from(["0", "1/4", "1"])),
        "alpha": draw(st.sampled_from(["0.2", "1", "1443/100"])),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    return spec("pc", **keys), positions.PC(**keys)


@st.composite
def demasks(draw):
    keys = {
        "budget": draw(st.sampled_from(["0", "0.1", "1/3", "1/2", "1"])),
        "per": draw(st.sampled_from(["set", "position"])),
        "stop": draw(st.booleans()),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    return spec("demask", **keys), positions.DEMASK(**keys)


@st.composite
def slowfasts(draw):
    keys = {
        "low": draw(st.sampled_from(LEVELS)),
        "high": draw(st.sampled_from(LEVELS)),
        "explore": draw(st.integers(1, 4)),
        "window": draw(st.integers(1, 3)),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    variance = draw(st.sampled_from(["0", "1/4", "1", "9/4"]))
    if draw(st.booleans()):
        deviation = {"0": 0, "1/4": Fraction(1, 2), "1": 1, "9/4": Fraction(3, 2)}[variance]
        keys["cut"] = draw(st.booleans())
        text = spec("slowfast", form="released", variance=variance, **keys)
        return text, rp.SlowFastReleased(deviation=deviation, **keys)
    k = draw(st.integers(1, 2))
    return spec("slowfast", variance=variance, k=k, **keys), rp.SlowFast(variance=variance, k=k, **keys)


@st.composite
def lopas(draw):
    keys = {
        "gamma": draw(st.sampled_from(LEVELS)),
        "k": draw(st.integers(1, 3)),
        "by": draw(st.sampled_from(["entropy", "confidence", "margin"])),
        "lowest": draw(st.sampled_from(["1/2", "1"])),
        "weight": draw(st.sampled_from(["0", "1/2"])),
        "strict": draw(st.booleans()),
        "equal": draw(st.sampled_from(["branch", "anchor"])),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    return spec("lopa", **keys), rp.LoPA(**keys)


@st.composite
def credits(draw):
    keys = {
        "gamma": draw(st.sampled_from(["0.4", "2/3", "0.9"])),
        "alpha": draw(st.sampled_from(["0", "0.7", "2"])),
        "boost": draw(st.sampled_from(["0", "0.2", "1"])),
        "beta": draw(st.sampled_from(["0", "0.8", "1"])),
        "top": draw(st.sampled_from(["all", "lowest"])),
        "block": draw(st.sampled_from(BLOCKS)),
    }
    numbers = {name: float(Fraction(keys[name])) for name in ("gamma", "alpha", "boost", "beta")}
    return spec("credit", **keys), rp.Credit(**{**keys, **numbers})


RULES = {
    "hierarchy": hierarchies(),
    "klass": klasses(),
    "pc": pcs(),
    "demask": demasks(),
    "slowfast": slowfasts(),
    "lopa": lopas(),
}
