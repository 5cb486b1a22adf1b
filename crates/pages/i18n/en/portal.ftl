### The customer portal.

portal-on-behalf = You are acting for { $customer } as { $partner }. What you do here is recorded as yours.
portal-leave = Leave and go back to the dashboard
portal-subscription-name = Name
portal-subscription-id = Subscription ID
portal-no-subscriptions = No subscriptions
portal-no-subscriptions-text = Subscriptions on which you have a role are listed here. Ask an Owner or your partner to give you one.
