// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

import "./desk/requests";
import "./desk/money";
import "./desk/lists";
import "./desk/calls";
import "./desk/mails";
import "./desk/receipts";
import "./desk/payments";
import "./desk/refunds";
