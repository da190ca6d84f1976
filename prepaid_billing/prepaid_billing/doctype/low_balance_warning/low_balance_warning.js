// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Low Balance Warning", { refresh: (frm) => prepaid_billing.show_mail(frm) });
