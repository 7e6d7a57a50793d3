"""Effects for employees: passwords, second factors, access, devices."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord
from remit.adapters.backoffice.effects import params as asked
from remit.domain.values import Json, JsonObject


def reset_password(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """End all sessions and any lock, and send a one-time link to the contact on file, never to the requester."""
    account = _account(books, params)
    if account.data["status"] == "suspended":
        raise ActFailed("This account is suspended; security decides about it.")
    recipient = _recipient(account)
    if account.data["status"] == "locked":
        account.data["status"] = "active"  # else the new password would not help, and the task has ended
    account.data.update(password_state="to be set by its owner", sessions=0)  # noqa: S106  # a state in words, no password
    books.save(account)
    books.notify(
        recipient, f"A new password can be set for {account.name}. Use the link in this message within 15 minutes."
    )
    return {"account.status": account.data["status"]}


def unlock_account(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Unlock an account that locked itself after wrong passwords."""
    account = _account(books, params)
    if account.data["status"] != "locked":
        raise ActFailed(f"An account that is {account.data['status']} cannot be unlocked here.")
    account.data["status"] = "active"
    books.save(account)
    books.notify(_recipient(account), f"{account.name} was unlocked.")
    return {"account.status": "active"}


def change_mfa(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Enrol another second factor, or the same kind on another device; the old one works until the new one does."""
    account = _account(books, params)
    if account.data["status"] != "active":
        raise ActFailed(f"The second factor of an account that is {account.data['status']} cannot be changed.")
    method = asked.text(params, "method")
    if method in account.data["mfa_methods"] and "device_id" not in params:
        raise ActFailed(f"The account uses {method} already; name the device it is to move to.")
    if method == account.data.get("mfa_enrolment") and params.get("device_id") == account.data.get("mfa_device"):
        raise ActFailed(f"A second factor ({method}) is being set up already.")
    if "device_id" in params:
        device = books.own_record("device", asked.text(params, "device_id"))
        if device.data["status"] != "in use":
            raise ActFailed(f"A device that is {device.data['status']} cannot carry a second factor.")
    account.data.update(mfa_enrolment=method, mfa_device=params.get("device_id"))
    books.save(account)
    books.notify(
        _recipient(account),
        f"A new second factor ({method}) can be set up for {account.name}. Tell security if you did not ask for it.",
    )
    return {"account.mfa_enrolment": method}


def request_access(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Give the employee access to an application until a day."""
    application = books.public_record("application", asked.text(params, "application_id"))
    level = asked.text(params, "level")
    if level not in application.data["levels"]:
        raise ActFailed(f"{application.name} has no level {level}.")
    ends = asked.day(params.get("ends"), "The last day")
    days = (ends - asked.today(books.now)).days
    if not 0 < days <= application.data["longest_days"]:
        raise ActFailed(f"Access to {application.name} lasts between 1 and {application.data['longest_days']} days.")
    for held in books.own_records("access"):
        if (held.data["application"], held.data["level"]) != (application.id, level):
            continue
        if asked.day(held.data["ends"], "The last day") >= ends:
            raise ActFailed("The employee has this access already.")
    data = {
        "application": application.id,
        "level": level,
        "ends": ends.isoformat(),
        "reason": asked.text(params, "reason"),
        "status": "active",
    }
    access = books.add("access", f"{application.name} as {level}", data)
    return {"access.reference": access.id, "access.status": "active"}


def request_device(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Order a device from the desk's list for the employee."""
    return _send(books, asked.text(params, "model_id"), asked.text(params, "ship_to"))


def replace_device(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Send the same model again for a device that is broken, lost or stolen; lost and stolen ones are wiped."""
    device = books.own_record("device", asked.text(params, "device_id"))
    if device.data["status"] != "in use":
        raise ActFailed(f"A device that is {device.data['status']} cannot be replaced.")
    reason = asked.text(params, "reason")
    device.data["status"] = "to be returned" if reason == "broken" else "wiped"
    device.data["reason"] = reason
    books.save(device)
    return _send(books, str(device.data["model"]), asked.text(params, "ship_to"))


def _send(books: Books, model_id: str, ship_to: str) -> Mapping[str, Json]:
    model = books.public_record("model", model_id)
    if model.data["stock"] < 1:
        raise ActFailed(f"{model.name} is not in stock.")
    model.data["stock"] -= 1
    books.save(model)
    device = books.add("device", model.name, {"model": model.id, "status": "ordered", "ship_to": ship_to})
    return {"device.reference": device.id, "device.status": "ordered"}


def _account(books: Books, params: JsonObject) -> DeskRecord:
    return books.own_record("account", asked.text(params, "account_id"))


def _recipient(account: DeskRecord) -> str:
    recipient = account.data.get("recovery_contact")
    if not isinstance(recipient, str) or not recipient:
        raise ActFailed("The account has no contact on file.")
    return recipient


EFFECTS: Final = {
    "access.request": request_access,
    "account.unlock": unlock_account,
    "device.replace": replace_device,
    "device.request": request_device,
    "mfa.change": change_mfa,
    "password.reset": reset_password,
}
