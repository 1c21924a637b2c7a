import { ponder } from "ponder:registry";
import { log, position } from "ponder:schema";

ponder.on("Escrow:Pledged", async ({ event, context }) => {
  const { pledger, tier, asset, amount } = event.args;
  await context.db.insert(log).values({ id: event.id, pledger, amount, transaction: event.transaction.hash });
  await context.db
    .insert(position)
    .values({ pledger, tier, asset, amount })
    .onConflictDoUpdate((row) => ({ amount: row.amount + amount }));
});
