// Unit tests of the function: run by `npm test`, before anything is deployed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeOrder, type Order, type Places } from '../lambda/orders/orders';

class Notebook implements Places {
  readonly saved: Order[] = [];
  readonly receipts = new Map<string, string>();
  readonly announced: Order[] = [];

  async save(order: Order) {
    this.saved.push(order);
  }
  async writeReceipt(key: string, text: string) {
    this.receipts.set(key, text);
  }
  async announce(order: Order) {
    this.announced.push(order);
  }
}

describe('placing an order', () => {
  it('saves it, writes a receipt and announces it', async () => {
    const places = new Notebook();
    const reply = await placeOrder(places, '42', '{"item":"teapot","quantity":2}');

    const order = { id: '42', item: 'teapot', quantity: 2 };
    assert.equal(reply.statusCode, 201);
    assert.deepEqual(JSON.parse(reply.body), order);
    assert.deepEqual(places.saved, [order]);
    assert.deepEqual(places.announced, [order]);
    assert.equal(places.receipts.get('receipts/42.txt'), 'Order 42: 2 × teapot\n');
  });

  const wrong: [name: string, body: string | undefined, message: string][] = [
    ['no body', undefined, 'the body is not JSON'],
    ['a body that is not JSON', 'teapot', 'the body is not JSON'],
    ['nothing at all', 'null', 'item is missing'],
    ['no item', '{"quantity":1}', 'item is missing'],
    ['half a teapot', '{"item":"teapot","quantity":0.5}', 'quantity is not a whole number above 0'],
  ];
  for (const [name, body, message] of wrong) {
    it(`refuses ${name} and leaves no trace`, async () => {
      const places = new Notebook();
      const reply = await placeOrder(places, '42', body);

      assert.deepEqual(reply, { statusCode: 400, body: JSON.stringify({ message }) });
      assert.deepEqual([places.saved, places.announced, places.receipts.size], [[], [], 0]);
    });
  }
});
