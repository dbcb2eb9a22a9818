// Runs in the build: a failure deploys nothing.
const assert = require('node:assert');
const { handler } = require('../function');

handler({ rawPath: '/notes' }).then((answer) => {
  assert.equal(answer.statusCode, 200);
  assert.equal(JSON.parse(answer.body).path, '/notes');
});
