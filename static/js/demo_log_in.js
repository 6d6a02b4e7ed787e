// The sample people of a demo log in with one click and Enter.
(() => {
  for (const button of document.querySelectorAll("[data-demo-email]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      document.getElementById("email").value = button.dataset.demoEmail;
      document.getElementById("password").value = "mentorhold-demo";
      document.querySelector('main form[method="post"] button[type="submit"]').focus();
    });
  }
})();
