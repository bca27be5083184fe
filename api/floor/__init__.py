# SPDX-License-Identifier: Apache-2.0
"""The screens of the floor: driven by scans, readable at arm's length, working without a script."""

from litestar import Router
from litestar.exceptions import HTTPException, ValidationException

from api.floor import change, desk, dock, login, pack, pick, put_back, stock, tasks
from api.floor.door import refused, unknown_page
from api.html import colour_sheet, static_file
from wms.platform.errors import WmsError

_screens = Router(
    path="/floor",
    route_handlers=[
        login.login_page,
        login.login,
        login.logout,
        login.home,
        login.lost,
        pick.pick_start_page,
        pick.pick_start,
        pick.pick_page,
        pick.pick_paper,
        pick.pick_take,
        pick.pick_tote,
        pick.pick_confirm,
        pick.pick_short,
        pack.pack_tote_page,
        pack.pack_page,
        pack.pack_item,
        pack.pack_empty,
        pack.pack_close,
        pack.pack_finish,
        pack.pack_ask_labels,
        pack.pack_scan_label,
        pack.pack_print,
        pack.pack_slip,
        dock.dock_page,
        dock.gate_page,
        dock.gate_scan,
        dock.gate_close,
        dock.gate_sheet,
        stock.stock_page,
        stock.stock_receive,
        stock.stock_move,
        stock.stock_count,
        put_back.put_back_page,
        put_back.put_back_confirm,
        desk.board_page,
        desk.desk_page,
        desk.story_page,
        change.change_page,
        change.change_order,
        desk.story_hold,
        desk.story_lift,
        tasks.task_page,
        tasks.task_ask,
        tasks.task_refused,
        tasks.task_cost,
        tasks.task_run,
    ],
    exception_handlers={WmsError: refused, ValidationException: unknown_page, HTTPException: unknown_page},
    include_in_schema=False,
)

router = Router(path="/", route_handlers=[_screens, static_file, colour_sheet])
