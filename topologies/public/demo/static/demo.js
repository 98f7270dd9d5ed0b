// The page works without this: it marks the link that leads to where one is.
for (const link of document.querySelectorAll('nav a'))
  if (link.href === location.href) link.setAttribute('aria-current', 'page');
