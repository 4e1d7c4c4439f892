"""Distributions and specifications that several tests of rules that mask again use."""

from __future__ import annotations

from fractions import Fraction

from tests.reference import remasking as slow

SMALL = ((2, 2), (3, 2), (3, 3), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2))  # WINO takes back from four positions on


EXAMPLES = {
    "remdm:steps=2,eta=1/5,variant=rescale": slow.remdm(2, "1/5", "rescale"),
    "remdm:steps=2,eta=1/10,eps=1/8": slow.remdm(2, "1/10", eps="1/8"),
    "remdm:steps=3,eta=1/2,eps=1/8,block=2": slow.remdm(3, "1/2", eps="1/8", block=2),
    "p2:steps=3": slow.p2(3),
    "p2:steps=2,eta=2,ties=all": slow.p2(2, 2, ties="all"),
    "rcr:steps=2": slow.rcr(2),
    "rcr:steps=3,variant=paper": slow.rcr(3, variant="paper"),
    "remdm_llada:steps=2,extra=1": slow.remdm_llada(2, 1),
    "wino": slow.wino(),
    "wino:tau1=1/3": slow.wino("1/3"),
    "editing:gamma=1/3,edit=0.4,post=2": slow.editing("1/3", "0.4", 2),
    "saber": slow.saber(),
    "saber:variant=dream,committed=seen": slow.saber(variant="dream", committed="seen"),
}


SAMPLED = [
    *EXAMPLES,
    "remdm:steps=2,eta=1,variant=conf",
    "remdm:steps=4,eta=0.1,variant=loop,t_on=0.7,t_off=0.2",
    "remdm:steps=2,eta=1/3,final=sample,eps=0.2",
    "remdm:steps=3,eta=1/2,block=2,eps=0.2",  # some runs need a last call in the first block, others none
    "remdm:steps=3,eta=1,variant=conf,block=3,eps=0.3,final=sample",
    "remdm:steps=4,eta=0.1,variant=loop,t_on=0.7,t_off=0.2,block=1",
    "rcr:steps=2,block=2",
    "remdm_llada:steps=2,number=2",
    "remdm_llada:steps=1,extra=1,block=2",
    "wino:tau1=1/4,tau2=1,confidence=max,block=3",
    "editing:gamma=0,edit=1/4,block=2,post=3",
    "p2:steps=3,eta=1/2,block=2",
    "saber:block=3,least=1",
    "saber:committed=seen",
]


SKEWED = {
    (0, 0, 1, 1): Fraction(4, 15),
    (0, 1, 1, 0): Fraction(3, 15),
    (1, 0, 0, 2): Fraction(2, 15),
    (2, 1, 0, 1): Fraction(5, 15),
    (2, 0, 1, 0): Fraction(1, 15),
}
