"""How reservations were used, by whom, what that cost and what to buy, with the vendor's own SDK: as the partner and as the customer.

Run by `tests/it/sdk.rs` with the address of a server, the certificate of its authority, an order of two instances, and its
reservation. From 2026-11-01T08:00Z on `vm1` ran one instance for eight days, and from a day later on `vm2` two of twice the
size. Ends with 0 when all went as it should, else with the first thing that did not.
"""

import datetime
import decimal
import sys

from azure.mgmt.consumption import ConsumptionManagementClient

import whole_loop as loop

ORDER, RESERVATION = sys.argv[3:5]
FIRST, LAST = "2026-11-01", "2026-11-02"
BY_DATE = f"properties/UsageDate ge {FIRST}T00:00:00Z AND properties/UsageDate le {LAST}T00:00:00Z"
ACCOUNT = f"providers/Microsoft.Billing/billingAccounts/{loop.NORDMOLN}"
PROFILE = f"{ACCOUNT}/billingProfiles/{loop.NORDMOLN}"
SCOPE = f"subscriptions/{loop.PRODUKTION}"


def near(one, other):
    return abs(decimal.Decimal(str(one)) - decimal.Decimal(str(other))) < decimal.Decimal("0.005")


def days_are_told(summaries):
    """Sixteen hours at a half, then eight at a half and sixteen in full use."""
    first, last = list(summaries)
    assert (first.reservation_order_id, first.reservation_id) == (ORDER, RESERVATION), first
    assert first.usage_date.date() == datetime.date(2026, 11, 1), first.usage_date
    assert near(first.reserved_hours, 32) and near(first.used_hours, 16), first
    assert near(first.avg_utilization_percentage, 50), first
    assert near(last.reserved_hours, 48) and near(last.used_hours, 40), last
    least, most = last.min_utilization_percentage, last.max_utilization_percentage
    assert near(least, 50) and near(most, 100) and near(last.avg_utilization_percentage, "83.33"), last
    assert last.sku_name == "Standard_D2s_v5" and last.kind == "Reservation", last


def month_is_told(summaries):
    (month,) = list(summaries)
    assert month.usage_date.date() == datetime.date(2026, 11, 1), month.usage_date
    assert near(month.reserved_hours, 384) and near(month.used_hours, 360), month
    assert near(month.avg_utilization_percentage, "93.75"), month


def resources_are_told(details):
    """The hours of each day add up to the summary, in hours of the reserved size."""
    used = {}
    for one in details:
        key = (one.usage_date.date().day, one.instance_id.rsplit("/", 1)[-1])
        used[key] = used.get(key, 0) + decimal.Decimal(str(one.used_hours))
        assert one.instance_flexibility_group == "Dsv5 Series", one
        wanted = {"vm1": ("Standard_D2s_v5", "1"), "vm2": ("Standard_D4s_v5", "2")}[key[1]]
        assert (one.sku_name, one.instance_flexibility_ratio) == wanted, one
    assert used == {(1, "vm1"): 16, (2, "vm1"): 24, (2, "vm2"): 16}, used


def what_to_buy_is_told(recommendations, scope):
    found = list(recommendations)
    assert found, "nothing is recommended"
    for one in found:
        more = one.properties
        assert one.kind == "legacy" and one.location == "swedencentral" and more.scope == scope, one
        assert more.recommended_quantity > 0 and more.net_savings > 0, more
        saved = more.cost_with_no_reserved_instances - more.total_cost_with_reserved_instances
        assert near(saved, more.net_savings), more
        assert more.instance_flexibility_group == "Dsv5 Series" and more.resource_type.lower() == "virtualmachines", more


def charges_are_told(consumption):
    amortised = list(consumption.usage_details.list(SCOPE, metric="amortizedcost"))
    actual = list(consumption.usage_details.list(SCOPE, metric="actualcost"))
    kinds = {one.charge_type for one in amortised}
    assert kinds == {"Usage", "UnusedReservation"}, kinds
    assert {one.charge_type for one in actual} == {"Usage"}, actual
    unused = [one for one in amortised if one.charge_type == "UnusedReservation"]
    assert near(sum(one.quantity for one in unused), 24), unused
    assert all(one.reservation_id.endswith(RESERVATION) and one.cost_in_billing_currency > 0 for one in unused), unused
    free = [one for one in actual if one.pricing_model == "Reservation"]
    assert free and all(one.cost_in_billing_currency == 0 for one in free), free
    narrowed = list(consumption.usage_details.list(SCOPE, filter="properties/chargeType eq 'UnusedReservation'", metric="amortizedcost"))
    assert len(narrowed) == len(unused), narrowed


def main():
    olle, ada = (loop.signs_in_by_device_code(person) for person in (loop.OLLE, loop.ADA))
    customer, partner = (loop.client(ConsumptionManagementClient, who, loop.PRODUKTION) for who in (olle, ada))
    for consumption in (customer, partner):
        summaries, details = consumption.reservations_summaries, consumption.reservations_details
        days_are_told(summaries.list_by_reservation_order(ORDER, grain="daily", filter=BY_DATE))
        one = (ORDER, RESERVATION)
        days_are_told(summaries.list_by_reservation_order_and_reservation(*one, grain="daily", filter=BY_DATE))
        month_is_told(summaries.list_by_reservation_order(ORDER, grain="monthly"))
        month_is_told(summaries.list_by_reservation_order_and_reservation(*one, grain="monthly"))
        resources_are_told(details.list_by_reservation_order(ORDER, filter=BY_DATE))
        resources_are_told(details.list_by_reservation_order_and_reservation(*one, filter=BY_DATE))
        shared = "properties/scope eq 'Shared' and properties/resourceType eq 'VirtualMachines' and properties/lookBackPeriod eq 'Last7Days'"
        what_to_buy_is_told(consumption.reservation_recommendations.list(SCOPE, filter=shared), "Shared")
        what_to_buy_is_told(consumption.reservation_recommendations.list(SCOPE), "Single")
        charges_are_told(consumption)
        loop.is_refused(lambda: list(summaries.list_by_reservation_order(ORDER, grain="daily")), 400, "$filter")

    # The partner's billing account, and its only profile.
    summaries, details = partner.reservations_summaries, partner.reservations_details
    dates = {"start_date": FIRST, "end_date": LAST}
    for place in (ACCOUNT, PROFILE):
        days_are_told(summaries.list(place, grain="daily", **dates))
        days_are_told(summaries.list(place, grain="daily", reservation_order_id=ORDER, reservation_id=RESERVATION, **dates))
        month_is_told(summaries.list(place, grain="monthly"))
        resources_are_told(details.list(place, **dates))
        assert list(details.list(place, reservation_id=loop.PRODUKTION, **dates)) == []
        loop.is_refused(lambda: list(customer.reservations_summaries.list(place, grain="monthly")), 404)
    other = ACCOUNT.replace(loop.NORDMOLN, loop.FJALLRAVEN)
    loop.is_refused(lambda: list(summaries.list(other, grain="monthly")), 403, "authorization")


if __name__ == "__main__":
    main()
