"""Steps annotated with messages: checked, stored as `.binpb` with their schema, shown by field."""

import json
from pathlib import Path
from typing import Annotated, Any

import pytest

import cannery
from cannery import Store, pipeline, protobuf, step

SHOP = protobuf.Schema("""
edition = "2023"; package shop;
message Item { string name = 1; double price = 2; }
message Order { int64 id = 1; repeated Item items = 2; }
""")
Order = SHOP["shop.Order"]
Item = SHOP["shop.Item"]
TypedOrder: Any = Order.dataclass
OrderDict = Annotated[dict, Order]
ItemDict = Annotated[dict, Item]


@step
def make(count: int) -> OrderDict:
    return {"id": count, "items": [{"name": "cup", "price": 1.5}] * count}


@step
def make_badly() -> OrderDict:
    return {"id": 1, "items": [{"name": "cup", "price": "dear"}]}


@step
def make_typed(order: OrderDict) -> TypedOrder:  # pyright: ignore[reportInvalidTypeForm]
    return TypedOrder(id=order["id"] + 1)


@step
def total(order: OrderDict) -> float:
    return sum(item["price"] for item in order["items"])


@step
def take_typed(order: TypedOrder) -> int:  # pyright: ignore[reportInvalidTypeForm]
    return order.id


@step
def take_item(item: ItemDict) -> str:
    return item["name"]


def test_messages_travel(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")

    @pipeline(store=store)
    def orders() -> None:
        order = make(3)
        total(order)
        take_typed(make_typed(order))

    run = orders()
    assert run.status == "completed"
    assert store.artifact("make").load() == {
        "id": 3,
        "items": [{"name": "cup", "price": 1.5}] * 3,
    }
    assert store.artifact("total").load() == 4.5
    assert store.artifact("take_typed").load() == 4
    typed = store.artifact("make_typed").load()
    assert typed.id == 4
    assert type(typed).__name__ == "Order"
    assert orders().steps["make"].cached


def test_the_files_need_no_cannery(tmp_path: Path) -> None:
    from cannery._values import load_files, save_value

    folder = tmp_path / "out"
    folder.mkdir()
    saved = save_value({"id": 7, "items": [{"name": "x"}]}, folder, (), OrderDict)
    assert saved.format_id == "protobuf.binpb/1"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["message.binpb", "message.json", "schema.binpb"]
    schema = protobuf.Schema((folder / "schema.binpb").read_bytes())
    message = json.loads((folder / "message.json").read_text())["message"]
    data = (folder / "message.binpb").read_bytes()
    assert schema[message].decode(data) == {"id": 7, "items": [{"name": "x"}]}
    assert saved.metadata["fields"] == {"id": "7", "items": "[{'name': 'x'}]"}
    assert load_files(folder, saved) == {"id": 7, "items": [{"name": "x"}]}
    assert load_files(folder, saved, TypedOrder).id == 7


def test_wrong_messages_are_refused_as_they_are_made(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")

    @pipeline(store=store)
    def orders() -> None:
        make_badly()

    with pytest.raises(cannery.CanneryError) as caught:
        orders()
    assert "make_badly().items[0].price: expected double, got str" in str(caught.value)


def test_wrong_messages_are_refused_where_steps_are_wired(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    ran = []

    @step
    def never() -> OrderDict:
        ran.append(1)
        return {}

    @pipeline(store=store)
    def given() -> None:
        never()
        total({"id": "x"})

    with pytest.raises(cannery.CanneryError, match=r"total\(order\)\.id: expected int64, got str"):
        given()

    @pipeline(store=store)
    def wired() -> None:
        take_item(never())

    with pytest.raises(cannery.CanneryError, match=r"shop\.Item"):
        wired()
    assert ran == []
