import { onchainTable, primaryKey } from "ponder";

export const position = onchainTable(
  "position",
  (t) => ({ pledger: t.hex().notNull(), tier: t.integer().notNull(), asset: t.integer().notNull(), amount: t.bigint().notNull() }),
  (table) => ({ pk: primaryKey({ columns: [table.pledger, table.tier, table.asset] }) }),
);

export const log = onchainTable("log", (t) => ({
  id: t.text().primaryKey(),
  pledger: t.hex().notNull(),
  amount: t.bigint().notNull(),
  transaction: t.hex().notNull(),
}));
