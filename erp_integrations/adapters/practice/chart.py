"""A builder's chart of accounts, as a new company finds it in the Practice ERP."""

from __future__ import annotations

from typing import NamedTuple

from erp_integrations.base import AccountKind

INCOME = AccountKind.INCOME
OTHER_INCOME = AccountKind.OTHER_INCOME
COST = AccountKind.COST_OF_GOODS_SOLD
EXPENSE = AccountKind.EXPENSE
OTHER_EXPENSE = AccountKind.OTHER_EXPENSE
BALANCE = AccountKind.OTHER


class ChartAccount(NamedTuple):
    number: str
    name: str
    kind: AccountKind
    is_active: bool = True


CHART = (
    ChartAccount("1010", "Operating Bank Account", BALANCE),
    ChartAccount("1020", "Payroll Bank Account", BALANCE),
    ChartAccount("1100", "Contracts Receivable", BALANCE),
    ChartAccount("1120", "Retainage Receivable", BALANCE),
    ChartAccount("1200", "Materials Inventory", BALANCE),
    ChartAccount("1300", "Costs in Excess of Billings", BALANCE),
    ChartAccount("1400", "Prepaid Insurance", BALANCE),
    ChartAccount("1500", "Construction Equipment", BALANCE),
    ChartAccount("1510", "Vehicles", BALANCE),
    ChartAccount("1590", "Accumulated Depreciation", BALANCE),
    ChartAccount("2000", "Accounts Payable", BALANCE),
    ChartAccount("2020", "Retainage Payable", BALANCE),
    ChartAccount("2100", "Accrued Payroll", BALANCE),
    ChartAccount("2200", "Sales Tax Payable", BALANCE),
    ChartAccount("2300", "Billings in Excess of Costs", BALANCE),
    ChartAccount("2500", "Equipment Loans", BALANCE),
    ChartAccount("3000", "Owner's Equity", BALANCE),
    ChartAccount("3900", "Retained Earnings", BALANCE),
    ChartAccount("4000", "Contract Revenue", INCOME),
    ChartAccount("4010", "Contract Revenue: Commercial", INCOME),
    ChartAccount("4020", "Contract Revenue: Residential", INCOME),
    ChartAccount("4030", "Contract Revenue: Public Works", INCOME),
    ChartAccount("4100", "Change Order Revenue", INCOME),
    ChartAccount("4200", "Time and Materials Revenue", INCOME),
    ChartAccount("4300", "Construction Management Fees", INCOME),
    ChartAccount("4400", "Design-Build Fees", INCOME),
    ChartAccount("4500", "Service and Repair Revenue", INCOME),
    ChartAccount("4600", "Equipment Rental Revenue", INCOME),
    ChartAccount("4700", "Warranty Work Revenue", INCOME),
    ChartAccount("4800", "Bonding Revenue (old)", INCOME, is_active=False),
    ChartAccount("4900", "Discounts Given", INCOME),
    ChartAccount("5000", "Direct Labor", COST),
    ChartAccount("5010", "Labor Burden", COST),
    ChartAccount("5020", "Supervision", COST),
    ChartAccount("5100", "Materials", COST),
    ChartAccount("5110", "Concrete and Masonry Materials", COST),
    ChartAccount("5120", "Lumber and Carpentry Materials", COST),
    ChartAccount("5130", "Steel and Metals", COST),
    ChartAccount("5140", "Mechanical Materials", COST),
    ChartAccount("5150", "Electrical Materials", COST),
    ChartAccount("5160", "Finishes", COST),
    ChartAccount("5200", "Subcontractors", COST),
    ChartAccount("5210", "Subcontractors: Sitework", COST),
    ChartAccount("5220", "Subcontractors: Mechanical", COST),
    ChartAccount("5230", "Subcontractors: Electrical", COST),
    ChartAccount("5300", "Equipment Rental", COST),
    ChartAccount("5310", "Equipment Fuel and Maintenance", COST),
    ChartAccount("5400", "Permits and Fees", COST),
    ChartAccount("5410", "Bonds", COST),
    ChartAccount("5420", "Project Insurance", COST),
    ChartAccount("5500", "Site Facilities and Utilities", COST),
    ChartAccount("5510", "Waste Removal", COST),
    ChartAccount("5520", "Safety and Protection", COST),
    ChartAccount("5600", "Testing and Inspection", COST),
    ChartAccount("5700", "Freight and Delivery", COST),
    ChartAccount("5800", "Scaffolding (old)", COST, is_active=False),
    ChartAccount("5900", "Other Job Costs", COST),
    ChartAccount("6000", "Office Salaries", EXPENSE),
    ChartAccount("6010", "Payroll Taxes", EXPENSE),
    ChartAccount("6100", "Office Rent", EXPENSE),
    ChartAccount("6110", "Office Utilities", EXPENSE),
    ChartAccount("6120", "Office Supplies", EXPENSE),
    ChartAccount("6200", "General Liability Insurance", EXPENSE),
    ChartAccount("6210", "Workers' Compensation", EXPENSE),
    ChartAccount("6300", "Legal and Accounting", EXPENSE),
    ChartAccount("6310", "Software and Subscriptions", EXPENSE),
    ChartAccount("6400", "Vehicle Expense", EXPENSE),
    ChartAccount("6410", "Small Tools", EXPENSE),
    ChartAccount("6500", "Estimating and Bidding", EXPENSE),
    ChartAccount("6600", "Training and Licenses", EXPENSE),
    ChartAccount("6700", "Depreciation", EXPENSE),
    ChartAccount("6900", "Trade Shows (old)", EXPENSE, is_active=False),
    ChartAccount("7000", "Interest Income", OTHER_INCOME),
    ChartAccount("7100", "Gain on Sale of Equipment", OTHER_INCOME),
    ChartAccount("7200", "Insurance Recoveries", OTHER_INCOME),
    ChartAccount("8000", "Interest Expense", OTHER_EXPENSE),
    ChartAccount("8100", "Loss on Sale of Equipment", OTHER_EXPENSE),
    ChartAccount("8200", "Penalties and Late Fees", OTHER_EXPENSE),
)
