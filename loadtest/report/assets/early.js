// Counts what goes wrong from the first script on, for the reader and for tests.
(function () {
  'use strict';
  const root = document.documentElement;
  root.dataset.errors = '0';
  root.dataset.plots = '0';
  function note(text) {
    root.dataset.errors = String(Number(root.dataset.errors) + 1);
    root.dataset.error = text;
    if (document.body && !document.getElementById('broken')) {
      const p = document.createElement('p');
      p.id = 'broken';
      p.className = 'limit';
      p.textContent = 'The plots could not be drawn: ' + text + '. Figures and tables are complete.';
      document.body.prepend(p);
    }
  }
  addEventListener('error', function (e) { note(e.message || 'a script failed'); });
  addEventListener('unhandledrejection', function (e) { note(String(e.reason)); });
})();
