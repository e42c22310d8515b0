// Where to go: a view opens another by its name, so that none imports another.

const views = new Map();

// register names what opens a view.
export const register = (name, open) => views.set(name, open);

// go opens a view: "detail" with a path, "follow" with { topic, id }, "tail" with a filter.
export const go = (name, what) => views.get(name)(what);
