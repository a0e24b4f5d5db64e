"""Books in a fresh Tryton database: two companies, a chart of accounts, and a user with the least rights that do.

Runs inside the environment of that Tryton, in process: `python tryton_setup.py CONFIG DATABASE USER PASSWORD`.
"""

from __future__ import annotations

import sys

import tryton_quick  # noqa: F401 - before Tryton is imported
from proteus import Model
from proteus import config as proteus_config

config_file, database, login, password = sys.argv[1:]
proteus_config.set_trytond(database, user="admin", config_file=config_file)

from trytond.modules.account.tests.tools import create_chart, get_accounts  # noqa: E402
from trytond.modules.company.tests.tools import create_company  # noqa: E402

REVENUE = ["Contract Revenue", "Change Orders", "Time and Material", "Service Revenue", "Rental Income", "Retention"]
EXPENSE = ["Labor", "Material", "Subcontracts", "Equipment", "Permits and Fees", "Small Tools", "Freight", "Other"]


dollar = Model.get("currency.currency")(name="US Dollar", symbol="$", code="USD")
dollar.save()
for name in ("Proof Builders Inc", "Other Books Ltd"):
    party = Model.get("party.party")(name=name)
    party.save()
    create_company(party=party, currency=dollar)
User, Group, Account = Model.get("res.user"), Model.get("res.group"), Model.get("account.account")
Company = Model.get("company.company")
company = Company.find([("party.name", "=", "Proof Builders Inc")])[0]

rights = Group.find([("name", "=", "Account Product Administration")])[0]
admin = User.find([("login", "=", "admin")])[0]
admin.companies.append(Company(company.id))
admin.company = company
admin.groups.append(Group(rights.id))
admin.save()
proteus_config.get_config()._context = User.get_preferences(True, {})

create_chart(company)
found = get_accounts(company)
for kind, base, names in (("revenue", 4000, REVENUE), ("expense", 5000, EXPENSE)):
    for n, name in enumerate([*names, "Closed"]):
        Account(
            name=name,
            code=str(base + 10 * n),
            type=found[kind].type,
            parent=found[kind].parent,
            company=company,
            closed=name == "Closed",
        ).save()

user = User(name="Tieback", login=login, password=password)
user.groups.append(Group(rights.id))
user.companies.append(Company(company.id))
user.company = company
user.save()
