"""The words in which routing explains itself, in both languages.

Owns: a text for every trigger, reason and outcome that acd knows; a contract test compares. Must not: know messages.
"""

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages, with places for values in braces."""

    zh: str
    en: str

    def say(self, language: Language, **values: object) -> str:
        """Return the text with its values."""
        return (self.zh if language == "zh" else self.en).format(**values)


# When what happened the contact could be offered.
TRIGGERS: Final = {
    "ContactArrived": Text("客户到达时", "when it arrived"),
    "AgentConfigured": Text("该座席的技能或容量变动后", "when this agent's skills or room changed"),
    "AgentBecameFree": Text("该座席空闲下来时", "when this agent became free"),
    "AgentAvailable": Text("该座席切换为空闲时", "when this agent became available"),
    "AgentRearmed": Text("该座席恢复接待时", "when this agent came back"),
    "ChatParked": Text("该座席的一个在线会话被挂置后", "when a silent chat of this agent was parked"),
    "CustomerReturned": Text(
        "客户再次留言而原座席无法接待时", "when the customer wrote again and the earlier agent had no room"
    ),
    "AgentConnected": Text("该座席的工作台连接后", "when this agent's desk connected"),
    "WrapUpFinished": Text("该座席完成话后处理时", "when this agent finished a wrap-up"),
    "DeviceRegistered": Text("该座席的电话重新连上时", "when this agent's telephone was connected again"),
    "DeviceLost": Text("与座席的电话断开后", "when a telephone was lost"),
    "DeviceForgotten": Text("不再要求该座席的电话已连接时", "when this agent's telephone was not asked for any more"),
    "OfferEnded": Text("上一次分配未成功后", "when somebody else had not taken it"),
    "ConnectFailed": Text("与其他座席接通失败后", "when connecting it to somebody else had failed"),
    "ContactTransferred": Text("同事把客户转来时", "when a colleague gave it on"),
    "ContactPulled": Text("主管指定时", "when a supervisor gave it to this agent"),
    "ContactMoved": Text("客户从其他队列转来时", "when it came over from another queue"),
    "RingWidened": Text("客户等待较久、技能要求放宽后", "when it had waited so long that less skill was asked for"),
    "RingLeft": Text("技能更符合的座席都不在岗时", "when nobody with more of the skills was signed in"),
    "CallbackRequested": Text("客户改为等候回电时", "when the customer asked to be called back"),
    "CallbackBegan": Text("到了约定的回电时间", "when the time of the call-back came"),
    "CallbackReached": Text("客户接听回电时", "when the customer answered the call-back"),
    "AffinityEnded": Text("原先保留的座席未能接待后", "when the agent whom it was held for could not take it"),
    "SharingBegun": Text("其他队列的座席开始支援时", "when agents of another queue helped out"),
    "DrainEnded": Text("久候的来电接走后", "when no call waited too long any more"),
    "ExclusionEnded": Text("未接听后的间隔结束时", "when the pause after passing on it was over"),
}

# What became of the offer, as the beginning of a sentence.
OUTCOMES: Final = {
    "RINGING": Text("正在呼叫 {agent}", "{agent} is being asked"),
    "ACCEPTED": Text("{agent} 已接受，正在接通", "{agent} accepted it and is being connected"),
    "CONNECTED": Text("由 {agent} 接待", "{agent} got it"),
    "DECLINED": Text("曾分配给 {agent}，对方拒接", "{agent} was asked and declined"),
    "EXPIRED": Text("曾分配给 {agent}，对方未应答", "{agent} was asked and did not answer"),
    "RESCINDED": Text("正在呼叫 {agent} 时客户离开", "{agent} was being asked when the customer left"),
    "SUPERSEDED": Text("曾分配给 {agent}，后另作安排", "{agent} was asked, and it was decided otherwise"),
    "OUTPACED": Text("曾同时呼叫 {agent}，同事先接受", "{agent} was asked too, and a colleague accepted first"),
    "AGENT_LOST": Text("曾分配给 {agent}，其工作台断开", "{agent} was asked, and the desk was lost"),
    "DEVICE_LOST": Text("曾分配给 {agent}，其电话断开", "{agent} was asked, and the telephone was lost"),
    "NOT_REACHED": Text("{agent} 已接受，但未能拨通客户", "{agent} accepted it, and the customer was not reached"),
    "DIALLED": Text("为 {agent} 拨打客户", "the customer is being dialled for {agent}"),
    "REACHED": Text("已为 {agent} 拨通客户", "the customer was reached for {agent}"),
    "POSTPONED": Text("为 {agent} 的回电已推迟", "the call-back for {agent} was put off"),
    "CONNECT_FAILED": Text("{agent} 已接受，但接通失败", "{agent} accepted it, and connecting failed"),
}

# Why the strategy took the chosen one of several, by the reason why the rivals were not.
BEST: Final = {
    "IdleShorter": Text(
        "在 {count} 位可接待的座席中空闲最久（{idle}）", "of {count} who could, the one idle for longest ({idle})"
    ),
    "OnlyHelps": Text("本队列的座席优先于支援的座席", "an agent of its own queue goes before those who only help out"),
    "LaterRing": Text("在 {count} 位可接待的座席中技能最符合", "of {count} who could, the one whose skills fit best"),
    "LoadHigher": Text("在 {count} 位可接待的座席中工作量最小", "of {count} who could, the one with the least work"),
    "LessProficient": Text(
        "在 {count} 位可接待的座席中最熟悉所需技能", "of {count} who could, the one who knows best what it needs"
    ),
    "TurnLater": Text("在 {count} 位可接待的座席中轮到该座席", "of {count} who could, the one whose turn it was"),
    "NotDrawn": Text("在 {count} 位可接待的座席中随机选中", "of {count} who could, the one drawn by lot"),
}
PULLED: Final = Text("未与其他座席比较（已空闲 {idle}）", "nobody else was compared (idle for {idle})")
ASKED_AT_ONCE: Final = Text(
    "同时呼叫 {count} 位可接待的座席，先接受者接待（已空闲 {idle}）",
    "one of {count} who are asked at once: whoever accepts first has it (idle for {idle})",
)
ALONE: Final = Text("只有该座席可以接待（已空闲 {idle}）", "the only one who could take it (idle for {idle})")

# Why somebody does not get a contact. `{idle}` is how much shorter the idle time was.
REASONS: Final = {
    "IdleShorter": Text("空闲时间少 {idle}", "idle for {idle} less"),
    "OnlyHelps": Text("只是从其他队列支援", "would only help out from another queue"),
    "LaterRing": Text("技能符合度较低", "has less of the skills it came for"),
    "LoadHigher": Text("工作量较大", "has more work"),
    "LessProficient": Text("所需技能的熟练度较低", "knows less about what it needs"),
    "TurnLater": Text("轮次在后", "has a later turn"),
    "NotDrawn": Text("随机分配未选中", "was not drawn by lot"),
    "SkillMissing": Text("没有所需技能", "does not have the skill"),
    "AtCapacity": Text("接待数已满", "has no room for another contact"),
    "InWrapUp": Text("正在话后处理", "is in wrap-up"),
    "OnBreak": Text("正在小休", "is on a break"),
    "Offline": Text("离线", "is offline"),
    "NextIntentPending": Text("即将切换状态，不再接新客户", "takes nothing new before a change of state"),
    "NotConnected": Text("不在工作台", "is not at the desk"),
    "NotResponding": Text("近期未应答", "did not answer lately"),
    "DeviceLost": Text("电话未连接", "has no telephone connected"),
    "ExcludedAfterMiss": Text("刚刚没有接听该客户", "has just passed on this contact"),
    "ChannelNotTaken": Text("不接待该渠道的客户", "does not take this kind of contact"),
    "HeldForAffinity": Text("该客户为另一位座席保留", "is not the agent whom it is held for"),
    "KeptForVip": Text("为 VIP 客户保留", "is kept free for VIP customers"),
    "KeptForParkedChat": Text("须先接待再次留言的挂置客户", "first takes a customer of a parked chat who wrote again"),
    "DrainingForCall": Text("有来电久候，暂不接新的在线会话", "takes no further chat while a call waits too long"),
    "AskedToo": Text("同时被呼叫", "is asked at the same time"),
}
IDLE_AS_LONG: Final = Text("空闲时间相同", "idle for as long")
IDLE_BUT_BUSIER: Final = Text("手上的工作较多", "has more work in hand")

# The same reasons for several agents who could take a contact that waits.
OBSTACLES: Final = {
    "AtCapacity": Text("{count} 位接待数已满", "{count} with no room for another contact"),
    "InWrapUp": Text("{count} 位正在话后处理", "{count} in wrap-up"),
    "OnBreak": Text("{count} 位正在小休", "{count} on a break"),
    "Offline": Text("{count} 位离线", "{count} offline"),
    "NextIntentPending": Text("{count} 位即将切换状态", "{count} about to change state"),
    "NotConnected": Text("{count} 位不在工作台", "{count} not at the desk"),
    "NotResponding": Text("{count} 位近期未应答", "{count} who did not answer lately"),
    "DeviceLost": Text("{count} 位电话未连接", "{count} without a telephone connected"),
    "ExcludedAfterMiss": Text("{count} 位刚刚没有接听该客户", "{count} who just passed on this contact"),
    "ChannelNotTaken": Text("{count} 位不接待该渠道的客户", "{count} who do not take this kind of contact"),
    "HeldForAffinity": Text("{count} 位不是该客户所等待的座席", "{count} whom it is not held for"),
    "KeptForVip": Text("{count} 位为 VIP 客户保留", "{count} kept free for VIP customers"),
    "KeptForParkedChat": Text(
        "{count} 位须先接待再次留言的挂置客户", "{count} who first take a customer of a parked chat who wrote again"
    ),
    "DrainingForCall": Text(
        "{count} 位因来电久候暂不接在线会话", "{count} who take no chat while a call waits too long"
    ),
}

SENTENCES: Final = {
    "offer": Text("{outcome}（{trigger}）：{best}。", "{outcome}, {trigger}: {best}."),
    "offer_without_reasons": Text("{outcome}。", "{outcome}."),
    "rings_at": Text("正在同时呼叫 {count} 位座席。", "It rings at {count} agents now."),
    "asked_too": Text("同时呼叫：{agents}。", "Asked at the same time: {agents}."),
    "not_chosen": Text("未选 {agent}：{reason}。", "Not {agent}: {reason}."),
    "score": Text(
        "当时得分 {score}（等待 {wait}，客户或队列加权 {value}，紧急程度 {urgency}），另有 {count} 位客户在等待。",
        "Its score was {score} (wait {wait}, customer or queue {value}, urgency {urgency}); contacts waiting then: "
        "{count}.",
    ),
    "last_agent": Text("该座席上次接待过该客户。", "This agent had the customer last."),
    "account_owner": Text("该客户由该座席专属负责。", "The customer's account is this agent's."),
    "meant": Text("同事指定转给该座席。", "A colleague gave it on to this very agent."),
    "ring": Text("因等待较久，技能要求已放宽 {ring} 级。", "By then less skill was asked for; loosened steps: {ring}."),
    "helped": Text(
        "该座席来自支援的队列“{queue}”。", "The agent was eligible because agents of {queue} helped out at that time."
    ),
    "helping": Text("队列“{queue}”的座席正在支援。", "Agents of {queue} help out."),
    "earlier_offers": Text(
        "更早的 {count} 次分配不在内存中；“trunkline explain {contact}”可从日志中查看。",
        "Earlier offers, not remembered here: {count}; `trunkline explain {contact}` reads them from the ledger.",
    ),
    "waiting": Text("该客户在队列“{queue}”中已等待 {wait}。", "It has been waiting in {queue} for {wait}."),
    "nobody_matches": Text(
        "没有座席具备当前所需的技能（共查看 {count} 位座席）。",
        "Nobody has the skills it asks for now; agents looked at: {count}.",
    ),
    "kept": Text(
        "有 {count} 位座席具备所需技能，目前都不能接待：{obstacles}。",
        "Agents with the skills: {count}. None of them can take it now: {obstacles}.",
    ),
    "partly_examined": Text("只查看了 {count} 位座席，共 {all} 位。", "Only {count} of {all} agents were looked at."),
    "first": Text(
        "前面没有其他客户：上述座席一旦空闲就会接待该客户。", "Nobody goes before it: it is next for these agents."
    ),
    "before": Text(
        "这些座席面前还有 {count} 位客户排在前面。", "Contacts that go before it for these agents: {count}."
    ),
    "before_many": Text(
        "排在前面的客户至少有 {count} 位。", "Contacts that go before it for these agents: {count} or more."
    ),
    "score_now": Text(
        "目前得分 {score}（等待 {wait}，客户或队列加权 {value}，紧急程度 {urgency}）。",
        "Its score is {score} (wait {wait}, customer or queue {value}, urgency {urgency}).",
    ),
    "next_ring": Text(
        "{time}后技能要求放宽到第 {ring} 级（共 {rings} 级）。",
        "In {time} it asks for less skill: step {ring} of {rings}.",
    ),
    "overflow": Text("{time}后检查是否由队列“{queue}”分担。", "In {time} it is looked at whether {queue} is to help."),
    "limit": Text("{time}后达到队列的最长等待时间。", "In {time} it reaches the longest wait of its queue."),
    "clears": Text(
        "该队列无人登录，{time}后等待中的客户离开。",
        "Nobody is signed in for the queue: in {time} those who wait leave.",
    ),
    "connected": Text("该客户正由 {agent} 接待。", "It is with {agent}."),
    "over": Text("该客户的接待已结束。", "It is over."),
    "nothing_known": Text(
        "分配原因不在内存中；“trunkline explain {contact}”可从日志中查看。",
        "Why it was offered is not remembered here; `trunkline explain {contact}` reads it from the ledger.",
    ),
    "never_offered": Text("未曾分配给任何座席。", "It was never offered to anybody."),
    "acd_away": Text(
        "路由服务没有应答，无法得知它现在为什么等待。", "acd does not answer, so why it waits now is not known."
    ),
}

_COMMA: Final = Text("，", ", ")


def listed(language: Language, parts: list[str]) -> str:
    """Return the parts as one list."""
    return _COMMA.say(language).join(parts)


def named(language: Language, text: str, names: list[str], is_all: bool) -> str:
    """Return the text with names behind it, and a mark where there are more."""
    shown = ("、" if language == "zh" else ", ").join(names) + ("" if is_all else " …")
    return f"{text}（{shown}）" if language == "zh" else f"{text} ({shown})"


def duration_text(language: Language, milliseconds: float) -> str:
    """Return a duration as people say it, in whole seconds, the two largest units."""
    seconds = max(0, round(milliseconds / 1000))
    units = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分", "min"), (1, "秒", "s"))
    parts: list[str] = []
    for size, zh, en in units:
        number, seconds = divmod(seconds, size)
        if number or (size == 1 and not parts):
            parts.append(f"{number} {zh if language == 'zh' else en}")
    return " ".join(parts[:2])


def points(permille: int) -> str:
    """Return thousandths as a number with two places."""
    return f"{permille / 1000:.2f}"
