// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// One element for each record, kept as long as the record is there: a refresh takes nothing from under a
// hand or a focus. Records are told apart by `name`; what is new comes last.
export class Rows {
	constructor(parent, make) {
		this.parent = parent;
		this.make = make;
		this.rows = new Map();
	}

	show(records) {
		const names = new Set(records.map((record) => record.name));
		for (const name of [...this.rows.keys()]) {
			if (!names.has(name)) {
				this.leave(name);
			}
		}
		for (const record of records) {
			this.row_of(record).show(record);
		}
	}

	row_of(record) {
		if (!this.rows.has(record.name)) {
			const row = this.make(record);
			this.rows.set(record.name, row);
			this.parent.append(row.element);
		}
		return this.rows.get(record.name);
	}

	// What is pointed at or has the focus goes with a later refresh.
	leave(name) {
		if (this.parent.matches(":hover, :focus-within")) {
			this.rows.get(name).mark_as_gone?.();
		} else {
			this.remove(name);
		}
	}

	remove(name) {
		this.rows.get(name)?.element.remove();
		this.rows.delete(name);
	}

	get(name) {
		return this.rows.get(name);
	}

	each(task) {
		this.rows.forEach(task);
	}
}

// Writes only what differs, so that nothing on the page blinks and nothing is selected away.
export function write(element, text) {
	if (element.textContent !== text) {
		element.textContent = text;
	}
}
