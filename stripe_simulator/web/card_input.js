// Typing a card: groups of digits and a date with a slash, for every form that has these inputs.
"use strict";

function grouped(number) {
  const sizes = /^3[47]/.test(number) ? [4, 6, 5] : [4, 4, 4, 4, 3];
  const groups = [];
  let rest = number.slice(0, 19);
  for (const size of sizes) {
    if (!rest) break;
    groups.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return groups.join(" ");
}

function slashed(typed, deleting) {
  let bare = typed.replace(/\D/g, "");
  if (/^[2-9]/.test(bare)) bare = "0" + bare;
  bare = bare.slice(0, 4);
  if (bare.length > 2) return bare.slice(0, 2) + " / " + bare.slice(2);
  return bare.length === 2 && !deleting ? bare + " / " : bare;
}

// Reformat, and leave the caret after the digit it stood behind.
function reformat(input, format) {
  const before = input.value.slice(0, input.selectionStart).replace(/\D/g, "").length;
  const atEnd = input.selectionStart === input.value.length;
  input.value = format(input.value);
  if (atEnd) return;
  let caret = 0;
  for (let seen = 0; seen < before && caret < input.value.length; caret += 1) {
    if (/\d/.test(input.value[caret])) seen += 1;
  }
  input.setSelectionRange(caret, caret);
}

function formatWhileTyping({ number, expiry, cvc }) {
  number.addEventListener("input", () => reformat(number, (text) => grouped(text.replace(/\D/g, ""))));
  expiry.addEventListener("input", (event) => {
    reformat(expiry, (text) => slashed(text, /^delete/.test(event.inputType || "")));
  });
  cvc.addEventListener("input", () => reformat(cvc, (text) => text.replace(/\D/g, "")));
}
