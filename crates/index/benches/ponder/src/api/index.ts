import { Hono } from "hono";
import { count } from "ponder";
import { db } from "ponder:api";
import { log } from "ponder:schema";

const app = new Hono();

app.get("/count", async (context) => {
  const [rows] = await db.select({ count: count() }).from(log);
  return context.text(String(rows?.count));
});

export default app;
