"""Invented Chinese place names that sound like a mountain county of the south-west."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COUNTY_NAME = ("霁川县", "Jichuan County")
RIVER_NAME = ("霁水", "Ji River")

# Characters with their pinyin; a name is a first and a second character and what kind of place it is.
_FIRST = (
    "云yun 青qing 白bai 石shi 竹zhu 松song 杉shan 枫feng 桂gui 茶cha 梨li 桃tao 柳liu 榆yu 槐huai 龙long 凤feng "
    "鹤he 鹿lu 鱼yu 燕yan 雁yan 马ma 牛niu 羊yang 金jin 银yin 铜tong 玉yu 瓦wa 砖zhuan 窑yao 碓dui 磨mo 桥qiao "
    "井jing 泉quan 温wen 清qing 响xiang 双shuang 三san 五wu 七qi 九jiu 大da 小xiao 长chang 高gao 平ping 新xin "
    "老lao 上shang 下xia 中zhong 东dong 西xi 南nan 北bei 花hua 红hong 黄huang 黑hei 紫zi 兰lan 雾wu 雪xue 霜shuang"
)
_SECOND = (
    "水shui 石shi 木mu 竹zhu 树shu 田tian 土tu 沙sha 泥ni 盘pan 岩yan 崖ya 峰feng 门men 关guan 口kou 头tou 尾wei "
    "坝ba 坪ping 塘tang 池chi 洞dong 桥qiao 庙miao 堂tang 楼lou 柏bai 梁liang 岔cha 鼓gu 钟zhong 星xing 阳yang 阴yin"
)
_TOWN_FIRST = (
    "岚lan 霞xia 漱shu 汀ting 茗ming 苍cang 磴deng 栖qi 澜lan 芦lu 泠ling 绥sui 筠jun 翠cui 沅yuan 渌lu 崇chong 衡heng"
)
_TOWN_SECOND = "溪xi 屏ping 坪ping 渡du 坝ba 桥qiao 关guan 场chang 岭ling 湾wan 垭ya 潭tan"
_LANDFORM = "湾wan 坪ping 坝ba 沟gou 坳ao 垭ya 冲chong 寨zhai 岭ling 溪xi 塘tang 坡po 垴nao 园yuan 峪yu 岗gang"
_FAMILY = (
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 赵zhao 黄huang 周zhou 吴wu 徐xu 孙sun 胡hu 朱zhu 高gao 林lin 何he 郭guo "
    "罗luo 谢xie 唐tang 许xu 邓deng 冯feng 曾zeng 彭peng 向xiang 田tian 覃qin 谭tan 龚gong 冉ran 瞿qu 姚yao 鲁lu 滕teng"
)
_STREETS = (
    "解放jiefang 人民renmin 建设jianshe 新华xinhua 文化wenhua 滨江binjiang 迎宾yingbin 育才yucai 民主minzhu 团结tuanjie"
)


def _table(text: str) -> list[tuple[str, str]]:
    """Split ``汉字hanzi`` entries into characters and pinyin."""
    entries = []
    for entry in text.split():
        count = sum(not character.isascii() for character in entry)
        entries.append((entry[:count], entry[count:]))
    return entries


@dataclass(frozen=True)
class Name:
    """A name in Chinese and in Latin letters."""

    zh: str
    en: str


class Namer:
    """Gives out names; within one township none twice, over the county townships differ."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._taken: set[tuple[int, str]] = set()
        self._tables = {
            key: _table(text)
            for key, text in (
                ("first", _FIRST), ("second", _SECOND), ("town_first", _TOWN_FIRST), ("town_second", _TOWN_SECOND),
                ("land", _LANDFORM), ("family", _FAMILY), ("street", _STREETS),
            )
        }  # fmt: skip

    def town(self) -> Name:
        """Name a township (镇 or 乡), never the same twice."""
        suffix = ("镇", "Town") if self._rng.random() < 0.6 else ("乡", "Township")
        firsts = self._tables["town_first"]
        if len(firsts) > 1:  # each first character once, for townships are often called by it alone
            first = firsts.pop(int(self._rng.integers(len(firsts))))
        else:
            first = firsts[0]
        second = self._tables["town_second"][self._rng.integers(len(self._tables["town_second"]))]
        return Name(first[0] + second[0] + suffix[0], f"{(first[1] + second[1]).capitalize()} {suffix[1]}")

    def village(self, township: int) -> Name:
        """Name a village (村)."""
        parts = ("first", "land") if self._rng.random() < 0.6 else ("first", "second", "land")
        return self._unused(township, parts, ("村", "Village"))

    def hamlet(self, township: int) -> Name:
        """Name a hamlet after the family that settled it."""
        return self._unused(township, ("family", "家jia", "land"), ("", ""))

    def streets(self, count: int) -> list[Name]:
        """Name town streets (路、街)."""
        table = self._tables["street"]
        order = self._rng.permutation(len(table) * 2)[:count]
        kinds = (("路", "Road"), ("街", "Street"))
        return [
            Name(table[i % len(table)][0] + kinds[i // len(table)][0],
                 f"{table[i % len(table)][1].capitalize()} {kinds[i // len(table)][1]}")
            for i in order
        ]  # fmt: skip

    def _unused(self, scope: int, parts: tuple[str, ...], suffix: tuple[str, str]) -> Name:
        while True:
            picked = [
                self._tables[part][self._rng.integers(len(self._tables[part]))]
                if part in self._tables
                else _table(part)[0]
                for part in parts
            ]
            zh = "".join(character for character, _ in picked)
            if len({character for character, _ in picked}) == len(picked) and (scope, zh) not in self._taken:
                self._taken.add((scope, zh))
                latin = "".join(sound for _, sound in picked).capitalize()
                return Name(zh + suffix[0], f"{latin} {suffix[1]}".strip())
