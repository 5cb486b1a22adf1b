### Kundportalen.

portal-on-behalf = Du agerar för { $customer } som { $partner }. Det du gör här loggas som ditt.
portal-leave = Lämna och gå tillbaka till instrumentpanelen
portal-subscription-name = Namn
portal-subscription-id = Prenumerations-ID
portal-no-subscriptions = Inga prenumerationer
portal-no-subscriptions-text = Här står de prenumerationer som du har en roll på. Be en ägare eller din partner att ge dig en.
