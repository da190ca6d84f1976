// The customer's pages work without any of this.
import "./portal/kept.js";
import "./portal/running.js";
import "./portal/topup.js";
