"""The kiosk's screen: one page, Chinese and English, over the steps that ``/kiosk`` takes."""

from __future__ import annotations

from typing import Final

#: Nothing from elsewhere is loaded, and no page may hold this one in a frame.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE: Final = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>寄件 · Send a parcel</title>
<style>
body{font:20px sans-serif;margin:1em auto;max-width:34em;padding:0 1em}
label{display:block;margin:.6em 0}input,select{font:inherit;width:100%;box-sizing:border-box;padding:.3em}
button{font:inherit;padding:.6em 1.2em;margin:.6em .6em 0 0}
#said{color:#a00000;min-height:1.5em}table{border-spacing:.8em .2em}
</style>
<h1>寄件 · Send a parcel</h1>
<p id="now" role="status"></p><p id="said" role="alert"></p><form id="form"></form><table id="facts"></table>
<script>
const STATES = {
  idle: ["请出示实名凭证", "Show your proof of identity", ["identify"]],
  identified: ["请填写寄件信息", "Say what you send", ["declare", "give_up"]],
  declared: ["请确认价格", "Agree to the price", ["agree", "give_up"]],
  priced: ["请填写收寄件人", "Name recipient and sender", ["label", "give_up"]],
  labelled: ["请贴面单并扫描", "Stick the label on and scan it", ["scan", "reprint", "give_up"]],
  stuck: ["请将包裹放到秤上", "Put the parcel on the scale", ["weigh", "give_up"]],
  weighed: ["请开门投件", "Open the door", ["open", "give_up"]],
  open: ["请放入包裹并关门", "Put the parcel in and shut the door", []],
  dropped: ["已收件，谢谢", "The parcel is ours, thank you", ["receipt"]],
  unclear: ["请等待工作人员", "Please wait for the keeper", []],
};
const BUTTONS = {
  identify: "开始 · Begin", declare: "下一步 · Next", agree: "同意 · Agree", label: "打印面单 · Print label",
  scan: "扫描 · Scan", reprint: "重打 · Print again", weigh: "称重 · Weigh", open: "开门 · Open",
  receipt: "完成 · Done", give_up: "放弃 · Give up",
};
const REASONS = {
  full: "柜满 · full", no_paper: "缺纸 · no paper", no_waybills: "无网络且无单号 · no network, no waybills left",
  door_left_open: "有门未关 · a door stands open", disk_full: "暂停收件 · no parcels now",
  busy: "正在服务他人 · somebody is being served", nothing_scanned: "未扫到条码 · nothing was scanned",
};
const party = (who, said) => ["name", "phone", "address"].map((part, at) =>
  [`${who}.${part}`, `${said[0]}${["姓名", "电话", "地址"][at]} · ${said[1]} ${part}`]);
const FIELDS = {
  identify: [["proof", "实名凭证号 · proof of identity"]],
  declare: [["company", "快递公司 · company"],
    ["item_class", "物品 · content", ["document", "clothing", "electronics", "food", "medicine", "fragile", "other"]],
    ["size", "大小 · size", ["S", "M", "L", "XL"]], ["stated_weight_g", "重量（克） · weight in grams", Number]],
  label: [...party("recipient", ["收件人", "Recipient"]), ...party("sender", ["寄件人", "Sender"])],
};
const FACTS = { waybill: "单号 · waybill", cell: "格口 · box", price_fen: "价格 · price", weight_g: "重量 · weight" };
const at = (id) => document.getElementById(id);
const make = (name, text) => Object.assign(document.createElement(name), { textContent: text });
let shown = null;

function show(kiosk) {
  const rows = Object.entries(FACTS).filter(([name]) => kiosk[name] !== null).map(([name, said]) => {
    const unit = { price_fen: `¥${(kiosk[name] / 100).toFixed(2)}`, weight_g: `${kiosk[name]} g` };
    const row = document.createElement("tr");
    row.append(make("td", said), make("td", unit[name] ?? kiosk[name]));
    return row;
  });
  at("facts").replaceChildren(...rows);
  if (kiosk.state === shown) return;
  shown = kiosk.state;
  const [zh, en, steps] = STATES[kiosk.state];
  at("now").textContent = `${zh} · ${en}`;
  const fields = (FIELDS[steps[0]] ?? []).map(([name, said, kind]) => {
    const label = make("label", said);
    const input = document.createElement(Array.isArray(kind) ? "select" : "input");
    if (Array.isArray(kind)) input.append(...kind.map((one) => make("option", one)));
    else Object.assign(input, { required: true, autocomplete: "off", type: kind === Number ? "number" : "text" });
    input.name = name;
    label.append(input);
    return label;
  });
  const buttons = steps.map((step, number) => {
    const button = make("button", BUTTONS[step]);
    button.type = number ? "button" : "submit";
    if (number) button.onclick = () => take(step, {});
    return button;
  });
  at("form").replaceChildren(...fields, ...buttons);
}

async function ask(path, options) {
  const answer = await fetch(path, options);
  const said = await answer.json();
  if (answer.ok) show(said);
  else at("said").textContent = REASONS[said.params?.reason] ?? `请重试 · try again: ${said.message}`;
}

function take(step, body) {
  at("said").textContent = "";
  const headers = { "Content-Type": "application/json" };
  return ask(`/kiosk/${step}`, { method: "POST", headers, body: JSON.stringify(body) });
}

at("form").onsubmit = (event) => {
  event.preventDefault();
  const body = {}, step = STATES[shown][2][0];
  for (const [name, , kind] of FIELDS[step] ?? []) {
    const typed = at("form").elements[name].value, [who, part] = name.split(".");
    if (part) (body[who] ??= {})[part] = typed;
    else body[name] = kind === Number ? Number(typed) : typed;
  }
  take(step, body);
};
const look = () => ask("/kiosk").catch(() => { at("said").textContent = "暂停服务 · out of service"; });
setInterval(look, 1000);
look();
</script></html>
"""
