// The customer's pages work without any of this.
import "./portal/running.js";
import "./portal/topup.js";
