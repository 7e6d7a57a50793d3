"""What people say every day with an act of a pack, and how the pack's vocabulary judges it."""

from functools import cache
from typing import Any, Final

from packaged import ENGLISH
from remit.adapters.files.pack import read_pack
from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.words.lexicon import Lexicon, build_lexicon
from remit.domain.words.verdict import WordsVerdict, judge_words

Said = tuple[str, str, dict[str, Any], list[str]]


EVERYDAY: Final[dict[str, list[Said]]] = {
    "consumer": [
        (
            "correct-order",
            "order.change_address",
            {"order_id": "W12", "address": "New Street 2, 10200 Town"},
            [
                "The address on the order is wrong, please correct it.",
                "Please change the address of order W12 to New Street 2, 10200 Town.",
            ],
        ),
        (
            "cancel-order",
            "order.cancel",
            {"order_id": "W12", "reason": "no longer needed"},
            [
                "Please cancel order W12, the customer no longer needs it.",
                "She ordered it twice by mistake, so order W12 can go.",
                "The delivery takes too long, we want to cancel.",
                "He found it cheaper elsewhere and would like to cancel the order.",
            ],
        ),
        (
            "return-item",
            "order.return",
            {"order_id": "W12", "item_ids": ["i1"]},
            [
                "The shoes are too small, please let the customer return them.",
                "The kettle arrived broken. The customer wants to send it back.",
                "Item i1 of order W12 goes back, it does not fit.",
                "Hello, I am writing for the customer. She wants to return i1 because it is damaged.",
            ],
        ),
        (
            "return-item",
            "payment.refund",
            {"order_id": "W12", "amount": "40.00 EUR", "payment_method_id": "pm1"},
            [
                "The parcel is back with you, please pay the 40.00 EUR back.",
                "Please refund 40 EUR for the returned lamp.",
                "The return was accepted last week and the money has not arrived.",
            ],
        ),
        (
            "track-order",
            "order.read",
            {"order_id": "W12"},
            [
                "Where is order W12?",
                "The customer has been waiting for two weeks, has it left the warehouse?",
                "When will W12 be delivered?",
                "Tracking has not changed since Monday, is the parcel lost?",
            ],
        ),
        (
            "complain",
            "case.comment",
            {"text": "x"},
            [
                "The driver was rude and left the parcel in the rain.",
                "This is the third time that the delivery is late, the customer is very unhappy.",
            ],
        ),
        (
            "complain",
            "complaint.file",
            {"order_id": "W12", "kind": "late", "text": "x"},
            ["The parcel came late and the box was damaged."],
        ),
        (
            "exchange-item",
            "order.exchange",
            {"order_id": "W12", "item_ids": ["i1"], "new_item_ids": ["i2"]},
            ["Could the customer have i2 instead of i1, size 42 is too small?"],
        ),
        (
            "update-address",
            "profile.change_address",
            {"address": "New Street 2, 10200 Town"},
            [
                "The customer has moved to New Street 2, 10200 Town.",
                "Please keep New Street 2, 10200 Town as the new address of the account.",
                "She married and moved in with her husband; new address is New Street 2, 10200 Town.",
            ],
        ),
    ],
    "service_desk": [
        (
            "reset-password",
            "password.reset",
            {"account_id": "A7"},
            [
                "The password of account A7 was forgotten over the holidays, please reset it.",
                "She cannot sign in any more because the password has expired.",
                "Please send a reset link to the contact on file.",
                "He has not used the account for months and does not know the password.",
            ],
        ),
        (
            "unlock-account",
            "account.unlock",
            {"account_id": "A7"},
            [
                "Account A7 is locked after too many wrong passwords.",
                "Please unlock it, he was in a hurry and mistyped.",
                "The account was locked this morning, could you open it again?",
            ],
        ),
        (
            "change-second-factor",
            "mfa.change",
            {"account_id": "A7", "method": "passkey", "device_id": "D3"},
            [
                "The employee got a new phone D3 and wants to use it as second factor.",
                "Please set up a passkey on device D3.",
            ],
        ),
        (
            "get-access",
            "access.request",
            {"application_id": "payroll", "level": "editor", "ends": "2027-01-31"},
            [
                "She takes over payroll for a colleague until 2027-01-31 and needs to edit entries.",
                "Please give access to payroll as editor until the end of January.",
                "The project needs it for the yearly closing.",
            ],
        ),
        (
            "get-device",
            "device.request",
            {"model_id": "monitor-27", "ship_to": "Office Berlin"},
            ["A second monitor-27 for the desk in Office Berlin, please.", "The new colleague starts on Monday and needs a monitor."],
        ),
        (
            "replace-device",
            "device.replace",
            {"device_id": "D3", "model_id": "laptop-14", "reason": "broken", "ship_to": "Office Berlin"},
            [
                "The screen of laptop D3 broke when it fell from the table.",
                "The battery lasts for ten minutes only.",
                "Please send the replacement to Office Berlin, he works there this week.",
                "The laptop was stolen on the train, the police has been told.",
            ],
        ),
    ],
    "regulated": [
        (
            "dispute-payment",
            "dispute.file",
            {"transaction_id": "T9", "amount": "59.90 EUR", "reason": "not mine"},
            [
                "The customer never made this payment of 59.90 EUR.",
                "She does not know the merchant of transaction T9.",
                "The shop charged 59.90 EUR twice for the same order.",
                "The goods of transaction T9 never arrived and the shop does not answer.",
                "Please dispute T9, the subscription had been ended in May.",
            ],
        ),
        (
            "stop-card",
            "card.block",
            {"card_id": "K4", "reason": "stolen"},
            [
                "The wallet was stolen in the metro, please block card K4 at once.",
                "Card K4 was lost on holiday.",
                "He left the card in a taxi and it cannot be found.",
            ],
        ),
        (
            "stop-card",
            "card.replace",
            {"card_id": "K4", "deliver_to": "home"},
            ["Please send the new card home.", "The old one is blocked already, a replacement is needed before Friday."],
        ),
        (
            "change-limit",
            "limit.change",
            {"card_id": "K4", "limit": "2000.00 EUR"},
            [
                "The customer buys furniture next week and needs a limit of 2000 EUR.",
                "Please set the daily limit of K4 to 2000.00 EUR.",
                "A trip is coming up, the present limit is too low.",
            ],
        ),
        (
            "send-statement",
            "statement.send",
            {"statement_id": "S1", "recipient": "tax@adviser.example"},
            [
                "The tax adviser needs statement S1 by the end of the week.",
                "Please send S1 to tax@adviser.example.",
                "It is for the yearly tax return.",
            ],
        ),
        (
            "update-file",
            "kyc.update_address",
            {"address": "Hill Road 5, 20300 Town"},
            [
                "The customer has moved to Hill Road 5, 20300 Town.",
                "Letters still go to the old flat, the new address is Hill Road 5, 20300 Town.",
                "Please correct the postal address on file.",
            ],
        ),
        (
            "dispute-payment",
            "transaction.read",
            {"transaction_id": "T9"},
            ["What is transaction T9 about? The customer does not remember it.", "When was it booked and by which merchant?"],
        ),
    ],
}


NAMED: Final = ["W12", "A7", "D3", "T9", "K4", "S1"]


@cache
def learnt(pack: str) -> tuple[Catalogue, Lexicon]:
    catalogue = read_catalogue(read_pack(pack).catalogue, today=None)
    return catalogue, build_lexicon(catalogue, ENGLISH)


def judge(pack: str, objective: str, action: str, params: dict[str, Any], words: str) -> WordsVerdict:
    catalogue, lexicon = learnt(pack)
    return judge_words(
        words,
        action=catalogue.actions[action],
        params=params,
        objective=catalogue.objectives[objective],
        known_ids=NAMED,
        lexicon=lexicon,
    )


ALL: Final = [
    (pack, objective, action, params, words)
    for pack, asks in EVERYDAY.items()
    for objective, action, params, said in asks
    for words in said
]
