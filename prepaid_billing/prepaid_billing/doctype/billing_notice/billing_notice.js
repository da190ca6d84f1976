// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Notice", { refresh: (frm) => prepaid_billing.show_mail(frm) });
