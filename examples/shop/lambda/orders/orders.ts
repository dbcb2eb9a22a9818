/** An order as a customer sends it. */
export interface Order {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
}

/** Where an order leaves its traces. The handler fills these with AWS, a test with lists. */
export interface Places {
  save(order: Order): Promise<void>;
  writeReceipt(key: string, text: string): Promise<void>;
  announce(order: Order): Promise<void>;
}

export interface Reply {
  readonly statusCode: number;
  readonly body: string;
}

/** Places the order in a request's JSON body: 201 with the order, or 400 with what is wrong with it. */
export async function placeOrder(places: Places, id: string, body: string | undefined): Promise<Reply> {
  const order = readOrder(id, body);
  if (typeof order === 'string') {
    return reply(400, { message: order });
  }
  await places.save(order);
  await places.writeReceipt(`receipts/${order.id}.txt`, receipt(order));
  await places.announce(order);
  return reply(201, order);
}

/** The text of a receipt. */
export function receipt(order: Order): string {
  return `Order ${order.id}: ${order.quantity} × ${order.item}\n`;
}

function readOrder(id: string, body: string | undefined): Order | string {
  let fields: { item?: unknown; quantity?: unknown } | null;
  try {
    fields = JSON.parse(body ?? '');
  } catch {
    return 'the body is not JSON';
  }
  const item = fields?.item;
  const quantity = fields?.quantity;
  if (typeof item !== 'string' || item === '') {
    return 'item is missing';
  }
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1) {
    return 'quantity is not a whole number above 0';
  }
  return { id, item, quantity };
}

function reply(statusCode: number, content: object): Reply {
  return { statusCode, body: JSON.stringify(content) };
}
