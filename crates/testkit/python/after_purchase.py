"""What happens after the purchase, with the vendor's own SDK: as the partner everything, as the customer what is the customer's.

Run by `tests/it/sdk.rs` with the address of a server, the certificate of its authority, and nothing else. Ends with 0 when
all went as it should, else with the first thing that did not.
"""

import uuid

from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.reservations import ReservationsMgmtClient
from azure.mgmt.reservations.models import (
    AvailableScopeRequest,
    AvailableScopeRequestProperties,
    CalculateExchangeRequest,
    CalculateExchangeRequestProperties,
    CalculateRefundRequest,
    CalculateRefundRequestProperties,
    ChangeDirectoryRequest,
    ExchangeRequest,
    ExchangeRequestProperties,
    MergeRequest,
    MergeProperties,
    Patch,
    PatchProperties,
    PatchPropertiesRenewProperties,
    RefundRequest,
    RefundRequestProperties,
    ReservationToExchange,
    ReservationToReturn,
    SplitProperties,
    SplitRequest,
)

import whole_loop as loop

KARIN = "22222222-0000-4000-8000-000000000002"


def path(order, reservation):
    return f"/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}"


def main():
    olle, ada = (loop.signs_in_by_device_code(person) for person in (loop.OLLE, loop.ADA))
    partner = loop.partner_center(ada)
    policy = {
        "selfServeEntity": {"selfServeEntityType": "customer", "tenantID": loop.FJALLRAVEN},
        "grantor": {"grantorType": "billToPartner", "tenantID": loop.NORDMOLN},
        "permissions": [{"resource": "AzureReservedInstances", "action": "Purchase"}],
    }
    assert partner.post(f"{loop.BASE}/v1/SelfServePolicy", json=policy).status_code == 201
    customer = loop.client(ReservationsMgmtClient, olle)
    selling = loop.client(ReservationsMgmtClient, ada)

    _, order = loop.buys(customer, 6)
    bought = next(iter(customer.reservation.list(order.name))).name.split("/")[-1]
    whole = path(order.name, bought)
    names = [one.name.lower() for one in customer.operation.list()]
    assert "microsoft.capacity/reservationorders/return/action" in names, names

    def patch(who, reservation, **properties):
        change = Patch(properties=PatchProperties(**properties))
        return who.reservation.begin_update(order.name, reservation, change).result()

    # R22: the customer renames, with the `renew: false` that one client adds; R20: the rest is the partner's.
    renamed = patch(customer, bought, name="nytt", renew=False)
    assert renamed.properties.display_name == "nytt", renamed
    single = {"applied_scope_type": "Single", "applied_scopes": [f"/subscriptions/{loop.PRODUKTION}"]}
    ask = ("ask nordmoln ab", "hjalp@nordmoln.example")
    loop.is_refused(lambda: patch(customer, bought, renew=True), 403, *ask)
    loop.is_refused(lambda: patch(customer, bought, **single), 403, *ask)
    again = PatchPropertiesRenewProperties(purchase_properties=loop.purchase(6))
    loop.is_refused(lambda: patch(customer, bought, renew=False, renew_properties=again), 403, *ask)
    elsewhere = ChangeDirectoryRequest(destination_tenant_id=loop.NORDMOLN)
    loop.is_refused(lambda: customer.reservation_order.change_directory(order.name, elsewhere), 403, *ask)
    loop.is_refused(lambda: selling.reservation_order.change_directory(order.name, elsewhere), 400)
    # Nor does it help to dress it up as something that the customer may do.
    for disguise in ({"appliedScopeType": "Single", "appliedScopes": single["applied_scopes"]}, {"renew": True}):
        body = {"properties": {"quantities": [2, 4], "reservationId": whole, **disguise}}
        loop.is_refused(lambda: customer.reservation.begin_split(order.name, body).result(), 403, *ask)
    # Nor roles of every kind: one with all actions on the subscription, and Owner on the order itself.
    access = loop.client(AuthorizationManagementClient, olle, loop.PRODUKTION)
    subscription = f"/subscriptions/{loop.PRODUKTION}"
    everything = access.role_definitions.create_or_update(subscription, str(uuid.uuid4()), {
        "role_name": "Everything", "role_type": "CustomRole", "permissions": [{"actions": ["*"]}],
        "assignable_scopes": [subscription]})
    owner = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{loop.OWNER}"
    for scope, role in ((subscription, everything.id), (path(order.name, bought).rsplit("/", 2)[0], owner)):
        access.role_assignments.create(scope, str(uuid.uuid4()), {
            "role_definition_id": role, "principal_id": KARIN, "principal_type": "User"})
    colleague = loop.client(ReservationsMgmtClient, loop.signs_in_by_device_code(loop.KARIN))
    loop.is_refused(lambda: patch(colleague, bought, renew=True), 403, *ask)
    loop.is_refused(lambda: patch(colleague, bought, **single), 403, *ask)
    assert patch(colleague, bought, name="karins").properties.display_name == "karins"
    moved = patch(selling, bought, **single)
    assert moved.properties.applied_scope_type == "Single"
    assert patch(selling, bought, applied_scope_type="Shared").properties.applied_scope_type == "Shared"
    assert patch(selling, bought, renew=True).properties.renew is True
    renewal = selling.reservation.get(order.name, bought, expand="renewProperties").properties.renew_properties
    assert renewal.purchase_properties.properties.quantity == 6, renewal
    assert len(list(customer.reservation.list_revisions(order.name, bought))) == 11

    scopes = AvailableScopeRequest(
        properties=AvailableScopeRequestProperties(scopes=[f"/subscriptions/{loop.PRODUKTION}"]))
    valid = selling.reservation.begin_available_scopes(order.name, bought, scopes).result()
    assert valid.properties.scopes[0].valid is True, valid
    applied = customer.get_applied_reservation_list(loop.PRODUKTION)
    assert any(order.name in one for one in applied.reservation_order_ids.value), applied

    # R22: the customer splits and merges, and so does the partner, who also buys and finds all of it.
    assert "Standard_D2s_v5" in [offer.name for offer in selling.get_catalog(
        loop.PRODUKTION, reserved_resource_type="VirtualMachines", location="swedencentral")]
    _, own = loop.buys(selling, 2)
    assert {order.name, own.name} <= {one.name for one in selling.reservation_order.list()}
    schedule = selling.reservation_order.get(own.name, expand="schedule").properties.plan_information
    assert len(schedule.transactions) == 12, schedule
    first = next(iter(selling.reservation.list(own.name))).name.split("/")[-1]
    assert own.name in " ".join(one.id for one in selling.reservation.list_all())
    split = SplitRequest(properties=SplitProperties(quantities=[1, 1], reservation_id=path(own.name, first)))
    halves = [one.name.split("/")[-1] for one in selling.reservation.begin_split(own.name, split).result()
              if one.properties.provisioning_state == "Succeeded"]
    merge = MergeRequest(properties=MergeProperties(sources=[path(own.name, one) for one in halves]))
    assert len(selling.reservation.begin_merge(own.name, merge).result()) == 3
    selling.reservation.archive(own.name, first)
    selling.reservation.unarchive(own.name, first)
    split = SplitRequest(properties=SplitProperties(quantities=[2, 4], reservation_id=whole))
    parts = customer.reservation.begin_split(order.name, split).result()
    live = [one.name.split("/")[-1] for one in parts if one.properties.provisioning_state == "Succeeded"]
    assert len(live) == 2, parts
    renewing = {"properties": {"sources": [path(order.name, one) for one in live], "renew": True}}
    loop.is_refused(lambda: customer.reservation.begin_merge(order.name, renewing).result(), 403, *ask)
    merge = MergeRequest(properties=MergeProperties(sources=[path(order.name, one) for one in live]))
    merged = customer.reservation.begin_merge(order.name, merge).result()
    kept = [one for one in merged if one.properties.provisioning_state == "Succeeded"]
    assert [one.properties.quantity for one in kept] == [6], merged
    kept = kept[0].name.split("/")[-1]
    customer.reservation.archive(order.name, bought)
    assert customer.reservation.get(order.name, bought).properties.archived is True
    customer.reservation.unarchive(order.name, bought)

    # R23: the partner returns, on a quote and once.
    def refund(who, reservation, quantity):
        wanted = ReservationToReturn(reservation_id=path(order.name, reservation), quantity=quantity)
        request = CalculateRefundRequest(
            id=f"/providers/Microsoft.Capacity/reservationOrders/{order.name}",
            properties=CalculateRefundRequestProperties(scope="Reservation", reservation_to_return=wanted),
        )
        quote = who.calculate_refund.post(order.name, request).properties
        assert not quote.policy_result.properties.policy_errors, quote
        return quote, RefundRequest(properties=RefundRequestProperties(
            session_id=quote.session_id, scope="Reservation", reservation_to_return=wanted, return_reason="test"))

    loop.is_refused(lambda: refund(customer, kept, 2), 403, *ask)
    quote, request = refund(selling, kept, 2)
    paid = quote.billing_information.billing_currency_total_paid_amount.amount
    prorated = quote.billing_information.billing_currency_prorated_amount.amount
    assert round(paid - prorated - quote.billing_refund_amount.amount, 2) == 0, quote
    loop.is_refused(lambda: customer.return_operations.begin_post(order.name, request).result(), 403, *ask)
    done = selling.return_operations.begin_post(order.name, request).result()
    assert done.name == order.name, done
    loop.is_refused(lambda: selling.return_operations.begin_post(order.name, request).result(), 400)

    # R23: and exchanges, for at least as much.
    left = [one for one in selling.reservation.list(order.name) if one.properties.provisioning_state == "Succeeded"]
    left = left[0].name.split("/")[-1]
    question = CalculateExchangeRequest(properties=CalculateExchangeRequestProperties(
        reservations_to_exchange=[ReservationToExchange(reservation_id=path(order.name, left), quantity=4)],
        reservations_to_purchase=[loop.purchase(5)],
    ))
    loop.is_refused(lambda: customer.calculate_exchange.begin_post(question).result(), 403, *ask)
    quoted = selling.calculate_exchange.begin_post(question).result()
    assert quoted.status == "Succeeded" and not quoted.properties.policy_result.policy_errors, quoted
    asked = ExchangeRequest(properties=ExchangeRequestProperties(session_id=quoted.properties.session_id))
    loop.is_refused(lambda: customer.exchange.begin_post(asked).result(), 403, *ask)
    exchanged = selling.exchange.begin_post(asked).result()
    assert exchanged.status == "Succeeded", exchanged
    new = exchanged.properties.reservations_to_purchase[0].reservation_order_id.split("/")[-1]
    assert selling.reservation_order.get(new).properties.original_quantity == 5
    assert selling.reservation_order.get(order.name).properties.provisioning_state == "Cancelled"
    unknown = ExchangeRequest(properties=ExchangeRequestProperties(session_id=str(uuid.uuid4())))
    loop.is_refused(lambda: customer.exchange.begin_post(unknown).result(), 403, *ask)
    print("what comes after the purchase went as it should")


main()
