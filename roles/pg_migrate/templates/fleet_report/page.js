
"use strict";
// Headings become buttons here, so that without scripts the page shows none that does nothing.
const table = document.querySelector("table.fleet");
const headings = [...table.tHead.rows[0].cells];

function key(row, column) {
  const cell = row.cells[column];
  if ("number" in cell.dataset) return cell.dataset.number === "" ? null : Number(cell.dataset.number);
  return cell.dataset.key;
}

function compared(one, other, direction) {
  // What is absent comes last either way.
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one === "number") return direction * (one - other);
  return direction * one.localeCompare(other, undefined, { numeric: true });
}

function sort(column) {
  const heading = headings[column];
  const descending = heading.getAttribute("aria-sort") === "ascending";
  headings.forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  rows.sort((one, other) => compared(key(one, column), key(other, column), descending ? -1 : 1));
  table.tBodies[0].append(...rows);
}

headings.forEach((heading, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = heading.textContent;
  button.addEventListener("click", () => sort(column));
  heading.replaceChildren(button);
});
