"use strict";

/* Another tab may have signed out since this page was loaded, or in anew, or in as someone else. */

const person = document.body.dataset.person; // whose page this is: what is sent from it is not done under another name
const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1]; // it changes with every sign-in

/* Tells of a request from this page whose it is. */
function signHeaders(headers) {
  if (token()) headers["X-CSRFToken"] = token();
  if (person) headers["Page-Person"] = person;
}

document.addEventListener("formdata", ({ formData }) => {
  if (!formData.has("csrfmiddlewaretoken")) return;
  if (token()) formData.set("csrfmiddlewaretoken", token());
  if (person) formData.set("page_person", person);
});
document.addEventListener("htmx:configRequest", ({ detail: { headers, formData } }) => {
  signHeaders(headers);
  if (token() && formData.has("csrfmiddlewaretoken")) formData.set("csrfmiddlewaretoken", token());
});

// The server says itself what a page like this may be told; who is signed out stays here with what was typed.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt, requestConfig } = event.detail;
  const isTold = xhr.status === 403 && xhr.getResponseHeader("Content-Type").startsWith("text/plain");
  const isSignedOut = xhr.status === 401 && requestConfig.verb !== "get" && !elt.matches("[data-poll]");
  if (!isTold && !isSignedOut) return;
  event.preventDefault();
  failed(event, isTold ? xhr.responseText : "you are signed out. Sign in in another tab, then try again here.");
});
