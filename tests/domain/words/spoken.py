"""A small desk's vocabulary and acts, for judging words."""

from packaged import ENGLISH
from remit.domain.catalogue.model import Action, Area, Attribute, Catalogue, Effect, MarkKind, Objective, ParamMark, PowerKind
from remit.domain.param_paths import parse_path
from remit.domain.words.lexicon import build_lexicon


def action(
    name: str, title: str, *, effect: Effect = Effect.WRITE, returns: tuple[str, ...] = (), builtin: bool = False, **marks: str
) -> Action:
    kinds = {"money": MarkKind.MONEY, "free": MarkKind.FREE_TEXT, "to": MarkKind.RECIPIENT}
    return Action(
        name=name,
        title=title,
        power=PowerKind.REQUEST,
        area=Area.ROUTINE,
        effect=effect,
        reversible=True,
        returns=returns,
        schema={},
        marks=tuple(ParamMark(path=parse_path(path), kind=kinds.get(kind, MarkKind.RESOURCE), of=kind) for path, kind in marks.items()),
        declared=frozenset(marks),
        builtin=builtin,
        digest="",
    )


READ = action("order.read", "Look at order {order_id}", effect=Effect.READ, returns=("order.status",), order_id="order")


RETURN = action("order.return", "Send back items of order {order_id}: {item_ids}", order_id="order")


REFUND = action(
    "payment.refund",
    "Refund {amount} for order {order_id} to {payment_method_id}",
    order_id="order",
    amount="money",
    payment_method_id="to",
)


CANCEL = action("order.cancel", "Cancel order {order_id}", order_id="order")


ADDRESS = action("account.change_address", "Change the delivery address to {address}", address="to")


COMMENT = action("case.comment", "Add to the case", builtin=True, text="free")


ALL = (READ, RETURN, REFUND, CANCEL, ADDRESS, COMMENT)


OBJECTIVE = Objective(
    name="return-item",
    title="Return something and get the money back",
    target="order",
    actions=frozenset(one.name for one in ALL),
    after={},
    done_when=("payment.refund",),
    examples=("I'd like to send the shoes back", "please refund the broken lamp"),
)


CATALOGUE = Catalogue(
    desk="Acme",
    currency="EUR",
    roles={},
    floors={},
    resources={},
    attributes={
        "order.status": Attribute(name="order.status", title="status of the order", sensitive=False),
        "identity.birth_date": Attribute(name="identity.birth_date", title="date of birth", sensitive=True),
    },
    actions={one.name: one for one in ALL},
    objectives={"return-item": OBJECTIVE},
    waivers=(),
    digest="",
)


LEXICON = build_lexicon(CATALOGUE, ENGLISH)
