// The settings form, generated from the server's table of settings.

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

export class SettingsForm {
  constructor(form, { fields, recipes }) {
    this.form = form;
    this.fields = fields;
    this.recipes = Object.fromEntries(recipes.map((recipe) => [recipe.name, recipe]));
    form.replaceChildren(...fields.map((field) => this.#field(field)));
    for (const { name, default: value } of fields) form.elements[name].value = value;
    form.addEventListener("change", (event) => {
      if (event.target.name === "recipe") this.#applyRecipe();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#applyRecipe();
  }

  #field(field) {
    const id = `setting-${field.name}`;
    const common = { id, name: field.name };
    const input = field.type === "choice"
      ? element("select", common, ...field.choices.map((choice) => element("option", { value: choice }, choice)))
      : element("input", { ...common, ...this.#numeric(field) });
    input.setAttribute("aria-describedby", `${id}-help`);
    const hint = element("p", { id: `${id}-help`, className: "hint" }, field.help);
    return element("div", { className: "field" }, element("label", { htmlFor: id }, field.name), input, hint);
  }

  #numeric(field) {
    if (field.type === "text") return { type: "text" };
    const whole = field.type === "int";
    const bounds = {};
    // A number field cannot say "above 0": the server tells when it is not.
    if (field.minimum !== null) bounds.min = field.minimum;
    if (field.maximum !== null) bounds.max = field.maximum;
    return { type: "number", step: whole ? 1 : "any", inputMode: whole ? "numeric" : "decimal", required: true, ...bounds };
  }

  #default(field) {
    const recipe = this.recipes[this.form.elements.recipe?.value];
    return recipe?.overrides[field.name] ?? field.default;
  }

  #applyRecipe() {
    for (const field of this.fields) {
      if (field.name === "recipe" || field.name === "seed") continue; // no recipe sets these
      this.form.elements[field.name].value = this.#default(field);
    }
    const { recipe } = this.form.elements;
    const ignored = this.recipes[recipe.value]?.ignores ?? [];
    for (const { name } of this.fields) {
      this.form.elements[name].closest(".field").hidden = ignored.includes(name);
    }
    const summary = this.recipes[recipe.value]?.summary;
    if (summary) this.form.querySelector("#setting-recipe-help").textContent = summary;
  }

  /** The settings that differ from the recipe's defaults; null where a field is wrong. */
  read() {
    if (!this.form.checkValidity()) {
      this.form.closest("details").open = true;
      this.form.reportValidity();
      return null;
    }
    const values = { recipe: this.form.elements.recipe.value };
    for (const field of this.fields) {
      const text = this.form.elements[field.name].value;
      const value = field.type === "int" || field.type === "float" ? Number(text) : text;
      if (field.name !== "recipe" && value !== this.#default(field)) values[field.name] = value;
    }
    return values;
  }

  /** Show these settings: those of a job, as `read` gives them. */
  write(values) {
    this.form.elements.recipe.value = values.recipe;
    this.#applyRecipe();
    for (const [name, value] of Object.entries(values)) this.form.elements[name].value = value;
  }
}
