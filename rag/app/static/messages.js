"use strict";
// What the page says, in English and Chinese. The browser's first language that is one of them decides.

const MESSAGES = {
  en: {
    title: "Ask your documents",
    skip: "Skip to the question",
    lead: "Every answer comes from your own documents, with the passages that support it.",
    first: "Ask a question below. If the documents do not have the answer, the page says so.",
    log: "Questions and answers",
    question: "Your question",
    placeholder: "Ask a question…",
    ask: "Ask",
    stop: "Stop",
    closePassage: "Close the passage",
    score: "Fused score of the search; comparable within one question only",
    tokenTitle: "Access token",
    tokenAdvice: "Ask the operator of this page for a token. On a local stack, the command “make open” prints a link that signs you in.",
    tokenUse: "Use it in this tab",
    tokenRequired: "A token is required.",
    notSignedIn: (reason) => `Not signed in. ${reason}`,
    linkFailed: (reason) => `The link did not sign you in (${reason}). Run make open for a new link.`,
    source: (number, title) => `Source ${number}: ${title}`,
    found: (count) => (count === 1 ? "1 passage found" : `${count} passages found`),
    cited: (count) => `, ${count} cited`,
    characters: (start, end) => `characters ${start}–${end}`,
    pages: (first, last) => (first === last ? `page ${first}` : `pages ${first}–${last}`),
    passage: (number, count) => `passage ${number} of ${count}`,
    indexed: (count) => (count === "1" ? "1 passage" : `${count} passages`),
    searching: "Searching the documents…",
    noAnswer: "No passage has the answer. The closest passages are listed below.",
    noPassage: "No passage in the documents is about this question.",
    quoted: "Quoted word for word, because this language model is too small to rephrase reliably.",
    uncited: "The answer cites no passage. Check it against the passages below.",
    stopped: "Stopped.",
    unreachable: "The server cannot be reached.",
    answered: (status) => `The server answered ${status}.`,
    cutOff: "The connection closed before the answer was complete. Ask again.",
    errors: {},
  },
  zh: {
    title: "向您的文档提问",
    skip: "跳到提问框",
    lead: "每个答案都来自您自己的文档，并附上依据的原文段落。",
    first: "请在下方提问。如果文档中没有答案，页面会如实说明。",
    log: "问题与答案",
    question: "您的问题",
    placeholder: "请输入问题…",
    ask: "提问",
    stop: "停止",
    closePassage: "关闭段落",
    score: "检索的综合得分，只能在同一个问题内比较",
    tokenTitle: "访问令牌",
    tokenAdvice: "请向本页面的管理员索取令牌。在本地环境中，命令“make open”会打印一个登录链接。",
    tokenUse: "在此标签页中使用",
    tokenRequired: "需要访问令牌。",
    notSignedIn: (reason) => `尚未登录。${reason}`,
    linkFailed: (reason) => `链接登录失败（${reason}）。请运行 make open 获取新链接。`,
    source: (number, title) => `来源 ${number}：${title}`,
    found: (count) => `找到 ${count} 个段落`,
    cited: (count) => `，引用了 ${count} 个`,
    characters: (start, end) => `第 ${start}–${end} 个字符`,
    pages: (first, last) => (first === last ? `第 ${first} 页` : `第 ${first}–${last} 页`),
    passage: (number, count) => `第 ${number} 段，共 ${count} 段`,
    indexed: (count) => `${count} 个段落`,
    searching: "正在检索文档…",
    noAnswer: "没有段落包含答案。下面列出最接近的段落。",
    noPassage: "文档中没有与这个问题相关的段落。",
    quoted: "以下为原文引用，因为这个语言模型太小，无法可靠地改写。",
    uncited: "答案没有引用任何段落，请对照下面的段落核实。",
    stopped: "已停止。",
    unreachable: "无法连接服务器。",
    answered: (status) => `服务器返回状态 ${status}。`,
    cutOff: "连接在答案完成之前中断，请重新提问。",
    errors: {
      busy: "当前提问的人太多，请几秒后再试。",
      search_unavailable: "搜索服务暂时不可用。",
      embedding_unavailable: "向量服务暂时不可用。",
      model_failed: "语言模型未能作答。",
      not_valid: "请求无效。",
      passage_not_found: "索引中已没有这个段落，文档可能已更新，请重新提问。",
    },
  },
};

const language = (navigator.languages ?? [navigator.language])
  .map((tag) => tag.toLowerCase().split("-")[0])
  .find((name) => name in MESSAGES) ?? "en";
const say = MESSAGES[language];

// An error of the server in the page's language; its own words follow where they name a cause.
function errorText(error, fallback) {
  const known = say.errors[error?.code];
  if (!known) return error?.message ?? fallback;
  return ["busy", "passage_not_found"].includes(error.code) ? known : `${known}（${error.message}）`;
}

// Elements name their text: data-say for the content, data-say-label and others for attributes.
function translate(root) {
  const attributes = { say: null, sayLabel: "aria-label", sayTitle: "title", sayPlaceholder: "placeholder" };
  for (const [name, attribute] of Object.entries(attributes)) {
    const selector = `[data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of root.querySelectorAll(selector)) {
      const text = say[element.dataset[name]];
      if (attribute) element.setAttribute(attribute, text);
      else element.textContent = text;
    }
  }
}
