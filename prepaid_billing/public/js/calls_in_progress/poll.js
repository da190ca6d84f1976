// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

const EVERY = 5_000;
const SELDOM = 60_000;

// Asks every few seconds while somebody sees the answer, and ever more seldom while there is none.
export class Poll {
	constructor({ ask, answered, failed }) {
		Object.assign(this, { ask, answered, failed, misses: 0 });
		document.addEventListener("visibilitychange", () => this.now());
		window.addEventListener("online", () => this.now());
	}

	start() {
		this.is_seen = true;
		this.now();
	}

	stop() {
		this.is_seen = false;
		clearTimeout(this.timer);
	}

	async now() {
		clearTimeout(this.timer);
		if (!this.is_seen || document.hidden || this.is_asking) {
			return;
		}
		this.is_asking = true;
		const tell = await this.ask().then(
			(answer) => {
				this.misses = 0;
				return () => this.answered(answer);
			},
			(error) => {
				this.misses += 1;
				return () => this.failed(error);
			}
		);
		this.is_asking = false;
		this.timer = setTimeout(() => this.now(), Math.min(EVERY * 2 ** this.misses, SELDOM));
		tell();
	}
}
