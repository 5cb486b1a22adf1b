"""The whole loop with the vendor's own SDKs: switch on, buy, see it.

Run by `tests/it/sdk.rs` with the address of a server, the certificate of its authority, and nothing else. Speaks to the
server only. Ends with 0 when all went as it should, else with the first thing that did not.
"""

import html.parser
import sys
import uuid

import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, DeviceCodeCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.reservations import ReservationsMgmtClient
from azure.mgmt.reservations.models import (
    PurchaseRequest,
    PurchaseRequestProperties,
    PurchaseRequestPropertiesReservedResourceProperties,
    SkuName,
)
from azure.mgmt.resource.subscriptions import SubscriptionClient

BASE, CA = sys.argv[1].rstrip("/"), sys.argv[2]

NORDMOLN = "11111111-1111-4111-8111-111111111111"
FJALLRAVEN = "22222222-2222-4222-8222-222222222222"
PRODUKTION = "33333333-3333-4333-8333-333333333333"
PIPELINE = "22222222-0000-4000-8000-0000000000a0"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

ADA = (NORDMOLN, "ada@nordmoln.example", "adas lösenord 1")
OLLE = (FJALLRAVEN, "olle@exempel.example", "olles lösenord 1")
KARIN = (FJALLRAVEN, "karin@exempel.example", "karins lösenord 1")


class Form(html.parser.HTMLParser):
    """The first form of a page: where it goes, its fields and buttons."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.inside, self.pressed = None, {}, False, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action, self.inside = attributes.get("action", ""), True
        elif tag == "input" and self.inside and attributes.get("name"):
            self.fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "button" and self.inside and not self.pressed:
            # Of several buttons the first is pressed.
            self.pressed = True
            if attributes.get("name"):
                self.fields[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


def signs_in_by_device_code(person):
    """A credential that asks for a code, which the person types into the page."""
    tenant, upn, password = person

    def prompt(verification_uri, user_code, _expires_on):
        browser = requests.Session()
        browser.verify = CA
        page = browser.get(verification_uri)
        known = {"user_code": user_code, "username": upn, "password": password}
        for _ in range(4):
            form = Form(page.text)
            if form.action is None:
                break
            filled = {name: known.get(name, value) for name, value in form.fields.items()}
            page = browser.post(requests.compat.urljoin(page.url, form.action), data=filled)
        assert page.status_code == 200, f"{page.status_code} {page.text}"

    return DeviceCodeCredential(
        tenant_id=tenant, authority=BASE, disable_instance_discovery=True, connection_verify=CA, prompt_callback=prompt
    )


def client(kind, credential, *arguments):
    return kind(credential, *arguments, base_url=BASE, connection_verify=CA)


def purchase(quantity):
    return PurchaseRequest(
        sku=SkuName(name="Standard_D2s_v5"),
        location="swedencentral",
        properties=PurchaseRequestProperties(
            reserved_resource_type="VirtualMachines",
            billing_scope_id=f"/subscriptions/{PRODUKTION}",
            term="P1Y",
            billing_plan="Monthly",
            quantity=quantity,
            display_name="sdk",
            applied_scope_type="Shared",
            renew=False,
            reserved_resource_properties=PurchaseRequestPropertiesReservedResourceProperties(instance_flexibility="On"),
        ),
    )


def buys(reservations, quantity):
    """Quote, purchase, poll; gives the finished order."""
    wanted = purchase(quantity)
    quote = reservations.reservation_order.calculate(wanted)
    order = quote.properties.reservation_order_id
    done = reservations.reservation_order.begin_purchase(order, wanted).result()
    assert done.name == order, (done.name, order)
    return quote, done


def is_refused(deed, status, *words):
    """The deed fails with this status, and its message says these words."""
    try:
        deed()
    except HttpResponseError as error:
        assert error.status_code == status, error
        for word in words:
            assert word.lower() in str(error).lower(), f"`{word}` is not said: {error}"
        return error
    raise AssertionError(f"not refused with {status} {words}")


def partner_center(credential):
    """A session with the partner's token."""
    session = requests.Session()
    session.verify = CA
    token = credential.get_token("https://api.partnercenter.microsoft.com/user_impersonation").token
    session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    return session


def main():
    olle, karin, ada = (signs_in_by_device_code(person) for person in (OLLE, KARIN, ADA))
    pipeline = ClientSecretCredential(
        FJALLRAVEN,
        "22222222-0000-4000-8000-0000000000a1",
        "rörets hemlighet",
        authority=BASE,
        disable_instance_discovery=True,
        connection_verify=CA,
    )
    try:
        wrong = ClientSecretCredential(
            FJALLRAVEN, "22222222-0000-4000-8000-0000000000a1", "fel", authority=BASE,
            disable_instance_discovery=True, connection_verify=CA,
        )
        wrong.get_token("https://management.azure.com/.default")
        raise AssertionError("a wrong secret got a token")
    except ClientAuthenticationError:
        pass

    # Olle sees the one subscription on which he has a role, and his directory.
    mine = client(SubscriptionClient, olle)
    assert [one.subscription_id for one in mine.subscriptions.list()] == [PRODUKTION]
    assert mine.subscriptions.get(PRODUKTION).display_name == "Produktion"
    assert FJALLRAVEN in [one.tenant_id for one in mine.tenants.list()]

    reservations = client(ReservationsMgmtClient, olle)
    offers = list(reservations.get_catalog(
        PRODUKTION, reserved_resource_type="VirtualMachines", location="swedencentral"))
    assert "Standard_D2s_v5" in [offer.name for offer in offers]

    # R01: the permission starts off.
    is_refused(lambda: buys(reservations, 1), 403)

    # R02, R04: Ada turns it on.
    partner = partner_center(ada)
    policy = {
        "selfServeEntity": {"selfServeEntityType": "customer", "tenantID": FJALLRAVEN},
        "grantor": {"grantorType": "billToPartner", "tenantID": NORDMOLN},
        "permissions": [{"resource": "AzureReservedInstances", "action": "Purchase"}],
    }
    answer = partner.post(f"{BASE}/v1/SelfServePolicy", json=policy)
    assert answer.status_code == 201, answer.text

    # R11: Contributor and Reader are not enough.
    is_refused(lambda: buys(client(ReservationsMgmtClient, karin), 1), 403, "owner")
    by_secret = client(ReservationsMgmtClient, pipeline)
    is_refused(lambda: buys(by_secret, 1), 403, "owner")

    # R11: Olle, the Owner, buys.
    quote, order = buys(reservations, 2)
    assert quote.properties.billing_currency_total.amount > 0
    assert len(quote.properties.payment_schedule) == 12
    bought = reservations.reservation_order.get(order.name)
    assert bought.properties.provisioning_state == "Succeeded", bought.properties.provisioning_state
    assert bought.properties.original_quantity == 2
    assert order.name in [one.name for one in reservations.reservation_order.list()]
    inside = list(reservations.reservation.list(order.name))
    assert len(inside) == 1 and inside[0].properties.quantity == 2
    reservation = inside[0].name.split("/")[-1]
    assert reservations.reservation.get(order.name, reservation).sku.name == "Standard_D2s_v5"
    assert order.name in " ".join(one.id for one in reservations.reservation.list_all())

    # R13: the same order again is the same order.
    again = reservations.reservation_order.begin_purchase(order.name, purchase(2)).result()
    assert again.name == order.name

    # R11: made an Owner, the service principal buys too.
    access = client(AuthorizationManagementClient, olle, PRODUKTION)
    scope = f"/subscriptions/{PRODUKTION}"
    owners = list(access.role_definitions.list(scope, filter="roleName eq 'Owner'"))
    assert [one.name for one in owners] == [OWNER]
    given = access.role_assignments.create(
        scope,
        str(uuid.uuid4()),
        {"role_definition_id": owners[0].id, "principal_id": PIPELINE, "principal_type": "ServicePrincipal"},
    )
    assert PIPELINE in [one.principal_id for one in access.role_assignments.list_for_scope(scope)]
    _, second = buys(by_secret, 3)

    # And when that is taken away again, it no longer does.
    access.role_assignments.delete_by_id(given.id)
    is_refused(lambda: buys(by_secret, 1), 403, "owner")

    # R17: the partner finds both in the order history, the activity log and among the reservations.
    orders = partner.get(f"{BASE}/v1/customers/{FJALLRAVEN}/orders").json()
    assert orders["totalCount"] == 2, orders
    quantities = sorted(line["quantity"] for one in orders["items"] for line in one["lineItems"])
    assert quantities == [2, 3], orders
    records = partner.get(f"{BASE}/v1/auditrecords").json()["items"]
    operations = [record["operationType"] for record in records]
    assert operations.count("create_self_serve_policy") == 1, operations
    purchases = [record for record in records if record["operationType"] == "create_order"]
    assert OLLE[1] in [record.get("userPrincipalName") for record in purchases], purchases
    entitled = partner.get(f"{BASE}/v1/customers/{FJALLRAVEN}/entitlements?entitlementType=reservedinstance").json()
    assert entitled["totalCount"] == 2, entitled
    on_behalf = client(ReservationsMgmtClient, ada)
    seen = " ".join(one.id for one in on_behalf.reservation.list_all())
    assert order.name in seen and second.name in seen, seen

    # R06: turned off, what is there stays, and the next purchase is refused.
    answer = partner.delete(f"{BASE}/v1/SelfServePolicy/{NORDMOLN}_{FJALLRAVEN}")
    assert answer.status_code == 204, answer.text
    is_refused(lambda: buys(reservations, 1), 403)
    assert reservations.reservation_order.get(order.name).properties.provisioning_state == "Succeeded"

    # R45: nothing is learnt about what is not one's own.
    try:
        reservations.reservation_order.get(str(uuid.uuid4()))
        raise AssertionError("an order that is not there was found")
    except ResourceNotFoundError:
        pass
    print("the whole loop went as it should")


if __name__ == "__main__":
    main()
