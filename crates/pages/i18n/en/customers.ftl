### CSP > Customers, and a customer's pages on the dashboard.

customers-search = Search by name or domain
customers-name = Company name
customers-domain = Primary domain
customers-none = No customers found
customers-none-text = Customers of your company are listed here. Try fewer letters.
