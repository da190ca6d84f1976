// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

import { LiveView } from "./calls_in_progress/live_view";

frappe.provide("prepaid_billing.calls");
prepaid_billing.calls.LiveView = LiveView;
